// Find: the z of a picture from outside; and holes, low resolution and noise mended by finding one.

import { make } from "../dom.js";
import { Said } from "../server.js";
import { number, t } from "../text.js";
import { Easel } from "./easel.js";
import { heaps, median } from "./heaps.js";
import { pack, point, unpack } from "./latent.js";
import { fileName, savePng } from "./recipe.js";
import { Clock, told } from "./told.js";

const TASKS = ["find", "fill", "over", "enlarge", "denoise"];
const SPOKEN = 1000; // ms between two words on how far it is: a screen reader says them all
const JUDGED = ["find", "over"]; // tasks that are done on a whole picture, for which there is a verdict

export class Find {
  static toolName = "find";
  static title = "find";
  static lead = "find_lead";
  static anywhere = false; // torch searches, on the server

  constructor(lab) {
    this.lab = lab;
    this.task = "find";
    this.easel = new Easel(lab, { drawing: true, changed: () => this.#stale() });
    this.why = make("p", { class: "note" });
    this.tasks = make("div", { class: "segments find-tasks", role: "radiogroup", "aria-label": t("find_tasks") }, ...TASKS.map((task) => this.#choice(task)));
    this.factor = make("label", { class: "easel-tool" }, make("span", {}, t("find_factor")),
      this.times = make("select", {}, make("option", { value: 2 }, "×2"), make("option", { value: 4 }, "×4")));
    this.start = make("button", { type: "button", class: "accent", onclick: () => this.go() }, t("find_go"));
    this.cancel = make("button", { type: "button", class: "plain", hidden: true, onclick: () => this.coming?.abort() }, t("find_cancel"));
    this.bar = make("progress", { max: 1, value: 0, hidden: true, "aria-label": t("find_strip") });
    this.strip = make("div", { class: "find-strip", role: "img", "aria-label": t("find_strip"), hidden: true });
    this.empty = make("p", { class: "empty" }, t("find_empty"));
    this.found = make("div", { class: "find-found", hidden: true });
    this.element = make("div", { class: "find" },
      make("div", {}, this.tasks, this.why, this.easel.element),
      make("div", { class: "find-out" },
        make("div", { class: "bar find-go" }, this.start, this.factor, this.cancel, this.bar), this.strip, this.empty, this.found));
    this.choose("find");
  }

  #choice(task) {
    const button = make("button", { type: "button", role: "radio", onclick: () => this.choose(task) }, t(`find_task_${task}`));
    button.dataset.task = task;
    button.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!way) return;
      event.preventDefault();
      const next = TASKS.at((TASKS.indexOf(this.task) + way) % TASKS.length);
      this.choose(next);
      this.tasks.querySelector(`[data-task="${next}"]`).focus();
    });
    return button;
  }

  choose(task) {
    this.task = task;
    for (const button of this.tasks.children) {
      const chosen = button.dataset.task === task;
      button.setAttribute("aria-checked", String(chosen));
      button.setAttribute("tabindex", chosen ? "0" : "-1");
    }
    this.why.textContent = t(`find_why_${task}`);
    this.factor.hidden = task !== "enlarge";
    this.easel.hollow(task === "fill");
    this.#stale();
    if (this.lab.about) this.lab.viewed();
  }

  /** Something else is wanted now than what was found: the next thing to do is to look for it. */
  #stale() {
    this.start.className = "accent";
    const take = this.found.querySelector(".find-take .accent");
    if (take) take.className = "plain";
    if (this.lab.message?.classList.contains("wrong")) this.lab.say("");
  }

  open() {
    this.easel.listen(true);
  }

  view() {
    return this.task === "find" ? null : this.task;
  }

  restore(view) {
    if (TASKS.includes(view)) this.choose(view);
  }

  close() {
    this.easel.listen(false);
    this.coming?.abort();
  }

  model(about) {
    this.coming?.abort();
    this.easel.model(about);
    this.#show(null);
  }

  // the search

  #asked() {
    const { easel, task, lab } = this;
    if (easel.empty) throw new Said(t("find_none"));
    if (task === "fill" && !easel.holed) throw new Said(t("find_no_hole"));
    const { latent } = easel;
    return {
      model: lab.about.key, picture: easel.picture(), task: task === "enlarge" ? `enlarge${this.times.value}` : task,
      ...(task === "fill" && { known: easel.known() }),
      // what is mended was painted by this z, or nearly: one start more
      ...(task !== "find" && latent && { z: pack(latent.z), ...(latent.y && { y: pack(latent.y) }) }),
    };
  }

  async go() {
    const { about } = this.lab;
    const clock = new Clock();
    const coming = new AbortController();
    try {
      const asked = this.#asked();
      this.coming?.abort();
      this.coming = coming;
      this.#busy(true);
      const found = await told("lab/find", asked, (line) => this.#heard(line, clock), coming.signal);
      if (about !== this.lab.about || coming !== this.coming) return;
      this.#show(found);
      this.lab.say("");
    } catch (error) {
      this.#say(error);
    } finally {
      if (coming === this.coming) this.#busy(false);
    }
  }

  #say(error) {
    if (error.name === "AbortError") return this.lab.say(t("find_stopped"));
    if (!(error instanceof Said)) console.error(error);
    return this.lab.say(error instanceof Said ? error.message : t("went_wrong"), true);
  }

  #busy(now) {
    this.start.hidden = now;
    this.cancel.hidden = this.bar.hidden = !now;
    if (now) {
      this.bar.value = 0;
      this.empty.hidden = this.found.hidden = true;
    } else {
      this.strip.hidden = true;
      this.empty.hidden = !this.found.hidden || this.found.children.length > 0;
      this.found.hidden = !this.found.children.length;
    }
  }

  #heard({ done, of, levels, strip, n }, clock) {
    this.bar.value = done / of;
    const image = make("img", { src: strip, alt: "" });
    this.strip.style.setProperty("--n", n);
    image.decode().then(() => { this.strip.replaceChildren(image); this.strip.hidden = this.bar.hidden; }).catch(() => {});
    if (performance.now() - (this.spoke ?? -SPOKEN) < SPOKEN) return;
    this.spoke = performance.now();
    this.lab.say(t("find_going", { percent: Math.round((100 * done) / of), levels: number(levels, 0), seconds: clock.left(done / of) }));
  }

  // what came of it

  #show(found) {
    this.found.replaceChildren();
    this.found.hidden = !found;
    this.empty.hidden = Boolean(found);
    this.start.className = found ? "plain" : "accent"; // what came of it is the next thing to do something with
    if (!found) return;
    const latent = point(unpack(found.z), found.y && unpack(found.y));
    const shown = (key, src) => make("figure", {}, make("img", { src, alt: t(key) }), make("figcaption", {}, t(key)));
    const pictures = make("div", { class: "find-pictures" }, shown("find_target", found.target), shown("find_result", found.picture));
    if (found.filled) pictures.append(shown("find_filled", found.filled));
    else difference(found.target, found.picture).then((canvas) => pictures.append(make("figure", {}, canvas, make("figcaption", {}, t("find_difference")))));
    this.verdict = make("div", { class: "find-verdict", "aria-live": "polite" });
    this.found.append(pictures, this.verdict, make("div", { class: "bar find-take" },
      make("button", { type: "button", class: "accent", onclick: () => { this.lab.take(latent); this.lab.say(t("find_taken")); } }, t("find_take")),
      make("button", { type: "button", class: "plain", onclick: () => savePng(this.lab, latent).then(() => this.lab.say(t("png_came")), (error) => this.#say(error)) }, t("find_png")),
      found.filled && make("a", { class: "plain", href: found.filled, download: `${fileName(this.lab.about)}-filled.png` }, t("find_png_filled"))));
    this.#judge(found);
  }

  #judge(found) {
    const levels = number(found.levels, found.levels < 10 ? 1 : 0);
    if (!JUDGED.includes(found.task)) return this.verdict.replaceChildren(make("p", {}, t("find_part_apart", { levels })));
    const apart = make("p", { class: "fact" }, t("find_apart", { levels }));
    if (!found.verdict) return this.verdict.replaceChildren(apart, this.#unmeasured(found));
    const alone = !found.real.length && found.verdict !== "own" ? "_alone" : "";
    const words = t(`find_verdict_${found.verdict}${alone}`, { percent: Math.round(100 * (found.beyond_real ?? 0)), kind: kindOf(found) });
    return this.verdict.replaceChildren(make("p", { class: "verdict" }, words), apart, plotOf(found));
  }

  #unmeasured(found) {
    const bar = make("progress", { max: 1, hidden: true, "aria-label": t("find_measure") });
    const words = make("span", { class: "fact", role: "status" });
    let coming = null;
    const button = make("button", { type: "button", class: "plain", onclick: () => (coming ? coming.abort() : go()) }, t("find_measure"));
    const place = this.verdict;
    const go = async () => {
      const clock = new Clock();
      coming = new AbortController();
      button.textContent = t("find_cancel");
      bar.hidden = false;
      try {
        const judged = await told("lab/calibrate", { model: this.lab.about.key, distance: found.distance }, ({ done, of, what }) => {
          bar.value = done / of;
          if (!what) words.textContent = t("find_measuring", { percent: Math.round((100 * done) / of), time: lasting(clock.left(done / of)) });
        }, coming.signal);
        if (place === this.verdict) this.#judge({ ...found, ...judged }); // else another picture has been found since
      } catch (error) {
        this.#say(error);
      } finally {
        coming = null;
        button.textContent = t("find_measure");
        bar.hidden = true;
        words.textContent = "";
      }
    };
    return make("div", { class: "note" }, make("p", {}, t("find_unmeasured")), make("div", { class: "bar" }, button, bar, words));
  }
}

const lasting = (seconds) => (seconds < 100 ? t("find_seconds", { n: seconds ?? "?" }) : t("find_minutes", { n: Math.ceil(seconds / 60) }));

/** What the real pictures are to the model. */
export const kindOf = ({ kind, about }) => t(`find_kind_${kind}`, { about });

function plotOf({ own, real, distance }) {
  const here = number(distance, 4);
  const label = t("find_plot", { own: own.length, own_middle: number(median(own), 4), real: real.length, real_middle: real.length ? number(median(real), 4) : "–", here });
  const rows = [{ name: t("find_plot_own"), kind: "fake", values: own }, { name: t("find_plot_real"), kind: "real", values: real }];
  return heaps({ rows: rows.filter(({ values }) => values.length), here: [distance, t("find_plot_here")], axis: t("find_axis"), log: true, label });
}

/** Grey where two pictures agree, up to three times their difference elsewhere. */
async function difference(one, other) {
  const [a, b] = await Promise.all([one, other].map(pixelsOf));
  const shown = new ImageData(a.width, a.height);
  for (let i = 0; i < a.data.length; i++) shown.data[i] = i % 4 === 3 ? 255 : 128 + 3 * (b.data[i] - a.data[i]);
  const canvas = make("canvas", { width: a.width, height: a.height, role: "img", "aria-label": t("find_difference") });
  canvas.getContext("2d").putImageData(shown, 0, 0);
  return canvas;
}

async function pixelsOf(src) {
  const image = make("img", { src });
  await image.decode();
  const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
