// How the model learned, without a server: the sheets that the export kept, the time line over them, and the curves.

import { Axis } from "../axis.js";
import { Charts } from "../charts.js";
import { make } from "../dom.js";
import { Happened, signs } from "../happened.js";
import { Record } from "../record.js";
import { ask } from "../server.js";
import { count, SheetView } from "../sheet.js";
import { here, near, sheetAddress, want } from "../sheets.js";
import { t } from "../text.js";
import { Timeline } from "../timeline.js";

const NEAR = 6; // sheets away, of which one is shown until the hand's own is here

export class Training {
  // take(seed, label): that latent shall be opened in the laboratory
  constructor(take) {
    this.timeline = new Timeline();
    this.sheet = new SheetView((cell) => this.#choose(cell));
    this.axis = new Axis(false);
    this.charts = new Charts();
    this.happened = new Happened((step) => { this.timeline.pause(); this.timeline.goTo(step); });
    this.message = make("p", { class: "message", role: "status" }, t("site_training_wait"));
    this.open = make("button", { type: "button", class: "plain", onclick: () => { const { seed, label } = this.axis.latent(this.run); take(seed, label < 0 ? null : label); } }, t("site_take"));
    this.body = make("div", { class: "run-full", hidden: true }, this.timeline.element,
      make("div", { class: "run-views" },
        make("div", { class: "run-left" }, this.sheet.element, this.axis.element, make("div", { class: "bar" }, this.open)),
        make("div", { class: "run-left" }, this.charts.element, this.charts.more, this.happened.element)));
    this.element = make("section", { class: "run training", role: "tabpanel", "aria-label": t("site_training") }, make("p", { class: "lead" }, t("site_training_lead")), this.message, this.body);
    this.timeline.addEventListener("moved", () => this.#moved());
    this.timeline.element.addEventListener("keydown", (event) => { // from every control of it, as on a player
      if (event.key !== " " || event.target.localName === "button") return;
      event.preventDefault();
      this.timeline.toggle();
    });
    this.axis.addEventListener("chosen", () => this.#chosen());
    this.axis.addEventListener("resized", () => this.#fetch());
    this.axis.addEventListener("step", ({ detail }) => { this.timeline.pause(); this.timeline.goTo(detail); });
    const seen = new ResizeObserver(() => { if (this.element.clientWidth) { seen.disconnect(); this.#load(); } });
    seen.observe(this.element); // nothing is fetched before somebody looks
  }

  async #load() {
    try {
      const { name, facts, whole } = await ask("run/run.json");
      const record = new Record();
      record.whole(whole);
      this.run = { name, facts, record, path: "run" };
    } catch (error) {
      this.message.textContent = error.message;
      this.message.classList.add("wrong");
      return;
    }
    const { facts, record } = this.run;
    this.message.hidden = true;
    this.body.hidden = false;
    this.sheet.title(facts.data, "");
    this.timeline.set(record.steps);
    const marks = record.marks.filter(({ kind }) => signs[kind]).map(({ step, kind }) => ({ step, sign: signs[kind], title: t(`happened_${kind}`) }));
    this.timeline.mark(this.#apart([...marks, ...record.snapshots.map((step) => ({ step, sign: "▾", title: t("site_snapshot", { step: count(step) }) }))]));
    this.charts.set([this.run], marks);
    this.happened.draw(this.run);
    this.#chosen();
    this.#moved();
  }

  /** One mark for each sheet, the first one said, so that none lies on another. */
  #apart(marks) {
    const places = new Map();
    for (const mark of marks) {
      const place = this.timeline.place(mark.step);
      if (!places.has(place)) places.set(place, mark);
    }
    return [...places.values()];
  }

  get #sample() {
    return this.run.record.samples[this.timeline.index];
  }

  #moved() {
    const { step } = this.#sample;
    this.sheet.title(this.run.facts.data, t("time_at", { step: count(step) }));
    this.charts.at(step);
    this.#paint();
    this.#fetch();
  }

  #choose(cell) {
    this.axis.choose(cell);
  }

  #chosen() {
    this.sheet.press(this.axis.chosen.cell);
    this.#fetch();
  }

  /** The one in hand first, then those of the row, then all: together they are less than a photograph. */
  #fetch() {
    if (!this.run) return;
    const { samples } = this.run.record;
    const row = this.axis.set([this.run]);
    const { index } = this.timeline;
    const rest = samples.map((_, i) => i).sort((a, b) => Math.abs(a - index) - Math.abs(b - index)).map((i) => sheetAddress(this.run, samples[i]));
    want([...new Set([sheetAddress(this.run, this.#sample), ...row, ...rest])], () => { this.#paint(); this.axis.paint(); });
  }

  #paint() {
    const sample = this.#sample;
    const own = here(sheetAddress(this.run, sample));
    const other = own ? sample : near(this.run, this.timeline.index, NEAR);
    const bitmap = own ?? (other && here(sheetAddress(this.run, other)));
    if (bitmap) this.sheet.paint(bitmap, other.step);
    this.axis.stand(sample.step, () => bitmap);
  }
}
