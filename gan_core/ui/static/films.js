// A film as a file: three buttons, a bar and a way out when it takes longer than a second, and a word at the end.

import { make } from "./dom.js";
import { ask, download, linesOf, Said } from "./server.js";
import { t } from "./text.js";

const KINDS = { gif: "GIF", mp4: "MP4", webp: "WebP" };
const PATIENCE = 1000; // milliseconds after which a progress bar is owed
const MOST_SCALE = 8; // as in gan_core/ui/films.py
const FILM_SIDE = 256;

export class Films {
  // asked(): [path, query] or [path, query, body to be posted], or a sentence that says why there is none yet
  constructor(asked, say) {
    Object.assign(this, { asked, say });
    this.progress = make("progress", { max: 1, value: 0, "aria-label": t("downloads") });
    this.cancel = make("button", { type: "button", class: "plain", onclick: () => this.coming?.abort() }, t("film_cancel"));
    this.bar = make("div", { class: "film-coming", hidden: true }, this.progress, this.cancel);
    this.buttons = make("div", { class: "bar downloads" }, ...Object.entries(KINDS).map(([kind, name]) =>
      make("button", { type: "button", class: "plain", onclick: (event) => this.file(kind, event.target) }, name)));
  }

  async file(kind, button) {
    const wanted = this.asked();
    if (typeof wanted === "string") return this.say(wanted, true);
    const [path, query, body] = wanted;
    button.disabled = true;
    const since = performance.now();
    this.coming = new AbortController();
    try {
      const options = { signal: this.coming.signal };
      if (body) Object.assign(options, { method: "POST", body: JSON.stringify({ ...body, format: kind }) });
      const token = await follow(path, body ? query : { ...query, format: kind }, options, (part) => this.told(kind, part, performance.now() - since));
      await download("film/file", { token });
      this.say(t("film_came", { kind: KINDS[kind] }));
    } catch (error) {
      if (error.name === "AbortError") this.say(t("film_given_up", { kind: KINDS[kind] }));
      else {
        if (!(error instanceof Said)) console.error(error);
        this.say(error instanceof Said ? error.message : t("went_wrong"), true);
      }
    } finally {
      this.bar.hidden = true;
      button.disabled = false;
    }
  }

  /** `part` of it is done after so many milliseconds. */
  told(kind, part, passed) {
    if (passed < PATIENCE) return;
    this.bar.hidden = false;
    this.progress.value = part;
    const seconds = Math.ceil((passed / part) * (1 - part) / 1000);
    const values = { kind: KINDS[kind], percent: Math.round(part * 100), seconds };
    this.say(part > 0.02 ? t("film_left_time", values) : t("film_coming", values));
  }
}

/** How large a film is, and whether its pixels are squares: folded away, since the first guess is mostly right. */
export class Print {
  constructor() {
    this.scale = make("select", { "aria-label": t("film_scale") }, ...Array.from({ length: MOST_SCALE }, (_, i) =>
      make("option", { value: i + 1 }, t("film_times", { scale: i + 1 }))));
    this.how = make("select", { "aria-label": t("film_pixels") },
      make("option", { value: 1 }, t("film_smooth")), make("option", { value: 0 }, t("film_crisp")));
    this.element = make("details", { class: "film-print" },
      make("summary", {}, t("film_export")),
      make("div", { class: "bar" },
        make("label", {}, make("span", {}, t("film_scale")), this.scale),
        make("label", {}, make("span", {}, t("film_pixels")), this.how)));
  }

  /** The model paints pictures of so many pixels. */
  sized(side) {
    if (side === this.side) return;
    this.side = side;
    [...this.scale.options].forEach((option, i) => { option.text = t("film_times_pixels", { scale: i + 1, side: side * (i + 1) }); });
    this.scale.value = Math.min(MOST_SCALE, Math.max(1, Math.floor(FILM_SIDE / side)));
  }

  get asked() {
    return { scale: Number(this.scale.value), smooth: Number(this.how.value) };
  }
}

/** How far a film is, until its token comes. */
async function follow(path, asked, options, progress) {
  for await (const said of linesOf(await ask(path, asked, options))) {
    if (said.token) return said.token;
    progress(said.done / said.of);
  }
  return undefined;
}
