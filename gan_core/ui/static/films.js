// A film as a file: three buttons, a bar when it takes longer than a second, and a word at the end.

import { make } from "./dom.js";
import { ask, download, Said } from "./server.js";
import { t } from "./text.js";

const KINDS = { gif: "GIF", mp4: "MP4", webp: "WebP" };
const PATIENCE = 1000; // milliseconds after which a progress bar is owed

export class Films {
  // asked(): [path, what is asked for], or a sentence that says why there is none yet
  constructor(asked, say) {
    Object.assign(this, { asked, say });
    this.bar = make("progress", { max: 1, value: 0, hidden: true, "aria-label": t("downloads") });
    this.buttons = make("div", { class: "bar downloads" }, ...Object.entries(KINDS).map(([kind, name]) =>
      make("button", { type: "button", class: "plain", onclick: (event) => this.file(kind, event.target) }, name)));
  }

  async file(kind, button) {
    const wanted = this.asked();
    if (typeof wanted === "string") return this.say(wanted, true);
    const [path, asked] = wanted;
    button.disabled = true;
    const since = performance.now();
    try {
      const token = await follow(path, { ...asked, format: kind }, (part) => {
        if (performance.now() - since < PATIENCE) return;
        this.bar.hidden = false;
        this.bar.value = part;
        this.say(t("film_coming", { kind: KINDS[kind], percent: Math.round(part * 100) }));
      });
      await download("film/file", { token });
      this.say(t("film_came", { kind: KINDS[kind] }));
    } catch (error) {
      if (!(error instanceof Said)) console.error(error);
      this.say(error instanceof Said ? error.message : t("went_wrong"), true);
    } finally {
      this.bar.hidden = true;
      button.disabled = false;
    }
  }
}

/** Lines of JSON until the last one: how far it is, then the token, or what went wrong. */
async function follow(path, asked, progress) {
  const answer = await ask(path, asked);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Said(t("server_gone"));
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const said = JSON.parse(line);
      if (said.error) throw new Said(said.error);
      if (said.token) return said.token;
      progress(said.done / said.of);
    }
  }
}
