// One latent through the training: time as one more axis of latent space. A picture of the sheet, or of any seed.

import { make } from "./dom.js";
import { askSprite, latest, Said } from "./server.js";
import { CELLS, count, crop } from "./sheet.js";
import { draw } from "./sprite.js";
import { here, sheetAddress } from "./sheets.js";
import { t } from "./text.js";

const SIDE = 56; // CSS pixels of a picture in a row, about
const LARGE = 192;

export class Axis extends EventTarget {
  chosen = { cell: 0 }; // or {seed}
  hand = false; // has somebody chosen?
  rows = []; // [{run, canvas, steps}]

  // seeds: is there a server that paints any seed by every snapshot?
  constructor(seeds = true) {
    super();
    this.seed = make("input", { type: "number", min: 0, max: 2 ** 31 - 1, step: 1, inputmode: "numeric", "aria-label": t("axis_seed"), placeholder: t("axis_seed") });
    this.seed.addEventListener("keydown", (event) => { if (event.key === "Enter") this.#seeded(); });
    this.body = make("div", { class: "run-rows" });
    this.message = make("p", { class: "run-wait", role: "status" });
    this.element = make("section", { class: "run-axis", "aria-label": t("axis_title"), hidden: true },
      make("h4", {}, t("axis_title")),
      make("p", { class: "run-about" }, t(seeds ? "axis_about" : "axis_about_sheet")),
      this.body, this.message,
      seeds ? make("div", { class: "bar" }, this.seed, make("button", { type: "button", class: "plain", onclick: () => this.#seeded() }, t("axis_show"))) : null,
    );
    this.fetch = latest((runs) => this.#sprites(runs));
    this.sprites = new Map(); // run -> sprite, for a seed
    new ResizeObserver(() => this.dispatchEvent(new Event("resized"))).observe(this.body);
  }

  choose(cell) {
    this.chosen = { cell };
    this.hand = true;
    this.sprites.clear();
    this.seed.value = "";
    this.message.textContent = "";
    this.dispatchEvent(new Event("chosen"));
  }

  #seeded() {
    if (!this.seed.value || !this.seed.reportValidity()) return;
    this.chosen = { seed: Math.round(Number(this.seed.value)) };
    this.hand = true;
    this.sprites.clear();
    this.dispatchEvent(new Event("chosen"));
  }

  /** Which latent this is, as Generate names it: picture i of a sheet is that of the run's seed + i. */
  latent(run) {
    const { cell, seed } = this.chosen;
    if (seed !== undefined) return { seed, label: -1 };
    const { classes } = run.facts;
    return { seed: (run.facts.seed ?? 0) + cell, label: classes ? cell % classes : -1 };
  }

  /** The rows for these runs. Returns the sheets that they need. */
  set(runs) {
    this.element.hidden = !runs.some((run) => run.record.samples.length > 1);
    if (this.element.hidden) return [];
    if (this.rows.length !== runs.length || this.rows.some((row, n) => row.run !== runs[n])) this.#build(runs);
    const { seed } = this.chosen;
    if (seed !== undefined) {
      const stale = runs.filter((run) => !this.sprites.has(run) || this.sprites.get(run).newest !== run.record.snapshot());
      if (stale.length) this.fetch(stale);
      this.paint();
      return [];
    }
    const width = this.rows[0].strip.clientWidth || 600;
    const most = Math.max(2, Math.floor(width / SIDE));
    const wanted = [];
    for (const row of this.rows) {
      row.samples = spread(row.run.record.samples, most);
      row.steps = row.samples.map((sample) => sample.step);
      wanted.push(...row.samples.map((sample) => sheetAddress(row.run, sample)));
    }
    this.paint();
    return wanted;
  }

  #build(runs) {
    this.rows = runs.map((run) => {
      const row = { run, steps: [], samples: [] };
      row.large = make("canvas", { class: "run-one", width: LARGE, height: LARGE, role: "img" });
      row.canvas = make("canvas", { role: "img" });
      row.here = make("i", { class: "run-here", hidden: true });
      row.strip = make("div", { class: "run-strip" }, row.canvas, row.here);
      const go = (event) => {
        const box = row.strip.getBoundingClientRect();
        const n = Math.floor(((event.clientX - box.left) / box.width) * row.steps.length);
        const step = row.steps[Math.min(row.steps.length - 1, Math.max(0, n))];
        if (step !== undefined) this.dispatchEvent(new CustomEvent("step", { detail: step }));
      };
      row.strip.addEventListener("pointerdown", (event) => { row.strip.setPointerCapture(event.pointerId); go(event); });
      row.strip.addEventListener("pointermove", (event) => { if (event.buttons) go(event); });
      const name = runs.length > 1 ? make("span", { class: "run-about" }, run.name) : null;
      row.element = make("div", { class: "run-row" }, row.large, make("div", {}, name, row.strip));
      return row;
    });
    this.body.replaceChildren(...this.rows.map((row) => row.element));
  }

  async #sprites(runs) {
    const { seed } = this.chosen;
    for (const run of runs) {
      const newest = run.record.snapshot();
      if (newest === undefined) {
        this.message.textContent = t("axis_no_snapshot");
        this.sprites.set(run, { n: 0, steps: [], newest });
        continue;
      }
      try {
        const sprite = await askSprite(`${run.path}/row`, { seed });
        if (seed !== this.chosen.seed) return;
        this.message.textContent = "";
        this.sprites.set(run, { ...sprite, newest });
      } catch (error) {
        this.message.textContent = error instanceof Said ? error.message : t("went_wrong");
        this.sprites.set(run, { n: 0, steps: [], newest });
      }
    }
    this.paint();
  }

  paint() {
    for (const row of this.rows) {
      const sprite = this.sprites.get(row.run);
      const bySeed = this.chosen.seed !== undefined;
      if (bySeed) row.steps = sprite?.steps ?? [];
      const n = row.steps.length;
      row.strip.hidden = !n;
      const width = row.strip.clientWidth; // of what is hidden there is none
      if (!n || !width) continue;
      const size = row.run.facts.image_size ?? 64;
      const side = Math.max(8, Math.min(size, Math.floor(4096 / n)));
      if (row.canvas.width !== n * side || row.canvas.height !== side) Object.assign(row.canvas, { width: n * side, height: side });
      row.strip.style.aspectRatio = `${n} / 1`;
      row.strip.style.maxWidth = `${n * Math.max(SIDE, 72)}px`;
      const context = row.canvas.getContext("2d");
      for (let k = 0; k < n; k++) {
        if (bySeed) draw(context, sprite, k, k * side, 0, side);
        else {
          const bitmap = here(sheetAddress(row.run, row.samples[k]));
          if (bitmap) crop(context, bitmap, this.chosen.cell, k * side, 0, side);
          else context.clearRect(k * side, 0, side, side);
        }
      }
      row.canvas.ariaLabel = t("axis_alt", { n, first: count(row.steps[0]), last: count(row.steps.at(-1)) });
    }
    this.stand();
  }

  /** Where the time line is: a frame in each row, and the picture there, large. Cheap: called while a hand drags. */
  stand(step = this.step, sheetOf = this.sheetOf) {
    Object.assign(this, { step, sheetOf });
    for (const row of this.rows) {
      const n = row.steps.length;
      const at = step === undefined ? n - 1 : Math.max(0, row.steps.findLastIndex((s) => s <= step));
      row.here.hidden = !n;
      row.here.style.width = `${100 / n}%`;
      row.here.style.transform = `translateX(${100 * at}%)`;
      const context = row.large.getContext("2d");
      const sprite = this.sprites.get(row.run);
      context.imageSmoothingEnabled = false;
      if (this.chosen.seed !== undefined) {
        if (sprite?.n) draw(context, sprite, at, 0, 0, LARGE);
        else context.clearRect(0, 0, LARGE, LARGE);
      } else {
        const bitmap = sheetOf?.(row.run);
        if (bitmap && this.chosen.cell < CELLS) crop(context, bitmap, this.chosen.cell, 0, 0, LARGE);
      }
      const { seed } = this.latent(row.run);
      row.large.ariaLabel = `${t("picture_of_seed", { seed })}, ${t("step_is", { step: count(row.steps[at] ?? 0) })}`;
    }
  }
}

/** At most `most` of them, evenly, first and last always. */
function spread(items, most) {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, k) => items[Math.round((k * (items.length - 1)) / (most - 1))]);
}
