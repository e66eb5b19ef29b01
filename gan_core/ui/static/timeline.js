// The time line: one slider over every sheet of the runs on screen. It knows the steps and where it stands, nothing of pictures.

import { face, iconButton, make } from "./dom.js";
import { count } from "./sheet.js";
import { t } from "./text.js";

const FILM_FPS = 8;

export class Timeline extends EventTarget {
  steps = [];
  at = undefined; // a step; undefined: the newest, whatever that becomes

  constructor() {
    super();
    this.playButton = iconButton("play", t("time_play"), () => this.toggle());
    this.range = make("input", { type: "range", min: "0", step: "1", oninput: () => this.go(Number(this.range.value)) });
    this.marks = make("div", { class: "run-marks", "aria-hidden": "true" });
    this.output = make("output");
    this.newest = make("button", { type: "button", class: "plain", onclick: () => this.live() }, t("time_newest"));
    this.element = make("div", { class: "run-back", hidden: true },
      this.playButton,
      make("label", {}, make("span", {}, t("time_line")), make("span", { class: "run-track" }, this.marks, this.range)),
      this.output,
      this.newest,
    );
  }

  /** The steps there are now. Whoever looks at the newest goes on doing so; whoever looks back stays at that step. */
  set(steps) {
    const grown = steps.length !== this.steps.length || steps.at(-1) !== this.steps.at(-1) || steps[0] !== this.steps[0];
    this.steps = steps;
    this.element.hidden = steps.length < 2;
    this.range.max = Math.max(0, steps.length - 1);
    if (this.at > steps.at(-1)) this.at = undefined; // the run went back behind it
    this.#show();
    return grown;
  }

  /** marks: [{step, sign, title}] */
  mark(marks) {
    const text = JSON.stringify([marks, this.steps.length]);
    if (text === this.marked) return;
    this.marked = text;
    const last = Math.max(1, this.steps.length - 1);
    this.marks.replaceChildren(...marks.map(({ step, sign, title }) => {
      const mark = make("i", { title }, sign);
      mark.style.left = `${(100 * this.place(step)) / last}%`;
      return mark;
    }));
  }

  /** The index of the last sheet at or before `step`. */
  place(step = Infinity) {
    return Math.max(0, this.steps.findLastIndex((s) => s <= step));
  }

  get index() {
    return this.at === undefined ? this.steps.length - 1 : this.place(this.at);
  }

  go(index) {
    const last = this.steps.length - 1;
    const at = index >= last ? undefined : this.steps[Math.max(0, index)];
    if (at === this.at) return;
    this.at = at;
    this.#moved();
  }

  goTo(step) {
    this.go(this.place(step));
  }

  live() {
    this.pause();
    if (document.activeElement === this.newest) this.range.focus(); // it is about to be disabled
    this.at = undefined;
    this.#moved();
  }

  toggle() {
    if (this.film) this.pause();
    else this.play();
  }

  play() {
    if (this.at === undefined) this.go(0);
    face(this.playButton, "pause", t("time_pause"));
    let before = performance.now();
    const tick = (now) => {
      if (!this.film) return;
      if (now - before >= 1000 / FILM_FPS) {
        before = now;
        if (this.at === undefined) return this.pause();
        this.go(this.index + 1);
      }
      this.film = requestAnimationFrame(tick);
    };
    this.film = requestAnimationFrame(tick);
  }

  pause() {
    cancelAnimationFrame(this.film);
    this.film = undefined;
    face(this.playButton, "play", t("time_play"));
  }

  #moved() {
    this.#show();
    this.dispatchEvent(new Event("moved"));
  }

  #show() {
    const { index, steps } = this;
    this.range.value = index;
    const text = steps.length ? t("time_at", { step: count(steps[index]) }) : "";
    const whole = this.at === undefined ? `${text} (${t("run_newest")})` : text;
    if (this.output.textContent !== whole) this.output.textContent = this.range.ariaValueText = whole;
    this.newest.disabled = this.at === undefined;
  }
}
