// The curves of one run, or of several over each other.

import { make } from "./dom.js";
import { Curves } from "./curves.js";
import { t } from "./text.js";

const COLOUR = { D: "#D55E00", G: "#0072B2", real: "#009E73", fake: "#CC79A7", grey: "#808890" };
const DASH = [7, 4];
const RUNS = [undefined, [2, 3], [9, 3, 2, 3], [14, 5]]; // dashes of the first run, the second ...; with several runs these tell them apart
const FRAME = 10; // milliseconds of a frame that drawing may take; the other charts wait for the next

const positive = (column) => column.map((value) => (value > 0 ? value : null)); // for a logarithmic axis

// What a chart shows of a record: [steps, values ...] for its lines [label, colour, dash where there is one run].
const CHARTS = {
  losses: { lines: [["D", "D"], ["G", "G", DASH]], table: (r) => of(r, "loss_D", "loss_G") },
  beliefs: { lines: [["D(x)", "real"], ["D(G(z))", "fake", DASH]], table: (r) => of(r, "D_x", "D_Gz") },
  gradients: { lines: [["D", "D"], ["G", "G", DASH]], log: true, table: (r) => [r.column("step"), positive(r.column("grad_D")), positive(r.column("grad_G"))], has: (r) => r.column("grad_D").some((value) => value != null) },
  distance: { lines: [["run_fakes", "fake"], ["run_floor", "real", DASH]], table: (r) => rows(r.measures, "distance", "floor"), has: (r) => r.measures.length > 0, sync: "measures" },
  spread: { lines: [["run_varied", "fake"], ["run_twins", "grey", DASH]], table: (r) => rows(r.vitals, "spread", "twins"), has: (r) => r.vitals.length > 0, sync: "measures" },
};

const of = (record, ...names) => ["step", ...names].map((name) => record.column(name));
const rows = (events, ...names) => ["step", ...names].map((name) => events.map((event) => event[name] ?? null));

export class Charts {
  constructor() {
    this.wait = make("p", { class: "run-wait" }, t("run_curve_wait"));
    this.formulas = make("div", { class: "run-formulas" });
    this.parts = Object.fromEntries(Object.keys(CHARTS).map((name) => [name, {
      heading: make("h4", { hidden: true }),
      box: make("div", { class: `run-chart run-${name}`, hidden: true }),
    }]));
    for (const part of Object.values(this.parts)) part.whole = make("div", { hidden: true }, part.heading, part.box);
    const [losses, beliefs, gradients, ...others] = Object.values(this.parts).map(({ whole }) => whole);
    this.element = make("div", { class: "run-charts" }, make("div", { class: "run-parts" }, losses, beliefs, gradients), this.wait);
    this.more = make("div", { class: "run-charts" }, make("div", { class: "run-parts run-wide" }, ...others), this.formulas);
    this.stale = new Set();
  }

  /** runs: those on screen, the first one first. marks: [{step, sign}] */
  set(runs, marks) {
    const known = runs.filter((run) => run.record.length && run.facts.loss);
    this.wait.hidden = known.length > 0;
    this.#prepare(known);
    if (!known.length) return;
    Object.assign(this, { runs: known, marks });
    for (const [name, { has }] of Object.entries(CHARTS)) {
      const part = this.parts[name];
      const some = known.some((run) => run.record.length && (!has || has(run.record)));
      part.whole.hidden = part.heading.hidden = part.box.hidden = !some;
      if (some) this.stale.add(name);
    }
    const n = known[0].record.measures.at(-1)?.n;
    for (const part of [this.parts.distance.heading, this.parts.distance.box]) part.title = t("run_distance_about", { n: Number(n ?? 0).toLocaleString("en") });
    for (const part of [this.parts.spread.heading, this.parts.spread.box]) part.title = t("run_spread_about");
    this.#later();
  }

  at(step) {
    for (const { chart } of Object.values(this.parts)) chart?.at(step);
  }

  redraw() {
    for (const { chart } of Object.values(this.parts)) chart?.redraw();
  }

  /** New charts only where the runs, or their game, are others. */
  #prepare(runs) {
    const wanted = JSON.stringify(runs.map((run) => [run.name, run.facts.loss]));
    if (wanted === this.prepared) return;
    this.prepared = wanted;
    for (const part of Object.values(this.parts)) {
      part.chart?.destroy();
      part.chart = undefined;
      part.whole.hidden = part.heading.hidden = part.box.hidden = true;
    }
    if (!runs.length) return this.formulas.replaceChildren();
    const believes = runs.every((run) => run.facts.probabilistic);
    const extra = { beliefs: believes ? { level: { at: 0.5, text: t("run_guessing") }, range: [0, 1] } : {}, spread: { level: { at: 1, text: t("run_as_real") } } };
    for (const [name, { lines, log, sync }] of Object.entries(CHARTS)) {
      const part = this.parts[name];
      part.heading.textContent = t(name === "beliefs" && !believes ? "run_scores" : `run_${name}`);
      const word = (label) => (label.startsWith("run_") ? t(label) : label);
      const all = runs.flatMap((run, k) => lines.map(([label, colour, dash]) =>
        runs.length > 1 ? { label: `${run.name} ${word(label)}`, colour: COLOUR[colour], dash: RUNS[k] } : { label: word(label), colour: COLOUR[colour], dash }));
      part.chart = new Curves(part.box, { lines: all, log, sync: sync ?? "run", xLabel: t("run_axis"), ...extra[name] });
    }
    const { facts } = runs[0];
    this.formulas.innerHTML = runs.length === 1 && facts.formula_D
      ? `<p>${t("run_d_minimises")} ${facts.formula_D}</p><p>${t("run_g_minimises")} ${facts.formula_G}</p>`
      : "";
  }

  #later() {
    this.due ??= requestAnimationFrame(() => {
      this.due = undefined;
      const began = performance.now();
      for (const name of this.stale) {
        if (performance.now() - began > FRAME) return this.#later();
        this.stale.delete(name);
        this.parts[name].chart?.set(this.runs.map((run) => CHARTS[name].table(run.record)), this.marks);
      }
    });
  }
}
