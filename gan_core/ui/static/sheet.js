// One run's sheet at one step: 64 pictures of the same latents, each of which can be chosen.

import { make } from "./dom.js";
import { pixels } from "./sprite.js";
import { t } from "./text.js";

export const COLUMNS = 8;
export const CELLS = COLUMNS * COLUMNS;
const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS };

export const count = (n) => Number(n ?? 0).toLocaleString("en");

export class SheetView {
  // choose(i): picture i was chosen
  constructor(choose) {
    this.canvas = make("canvas", { role: "img", width: CELLS, height: CELLS });
    this.cells = make("div", { class: "run-cells", role: "group", "aria-label": t("run_cells") });
    for (let i = 0; i < CELLS; i++) {
      this.cells.append(make("button", { type: "button", tabindex: i ? "-1" : "0", "aria-label": t("run_cell", { i: i + 1 }), "aria-pressed": "false", onclick: () => choose(i) }));
    }
    this.cells.addEventListener("keydown", (event) => this.#move(event));
    this.caption = make("figcaption", {}, make("b"), " ", make("span"));
    this.wait = make("p", { class: "run-wait" }, t("run_sheet_wait"));
    this.picture = make("div", { class: "run-picture", hidden: true }, this.canvas, this.cells);
    this.element = make("figure", { class: "run-sheet" }, this.caption, this.picture, this.wait);
    new ResizeObserver(() => this.#draw()).observe(this.picture);
    document.addEventListener("studio:crisp", this.crisp = () => this.#draw());
  }

  title(name, about) {
    this.caption.firstChild.textContent = name;
    this.caption.lastChild.textContent = about;
  }

  clear(words) {
    this.wait.textContent = words;
    this.shown = undefined;
    this.picture.hidden = true;
    this.wait.hidden = false;
  }

  paint(bitmap, step) {
    if (this.shown === bitmap) return;
    this.shown = bitmap;
    this.picture.hidden = false;
    this.wait.hidden = true;
    this.#draw();
    this.canvas.ariaLabel = t("run_sheet_alt", { step: count(step) });
    this.picture.dataset.step = step;
  }

  /** As many pixels as the screen shows. Crisp squares are for enlarging: what is made smaller is smoothed in any case. */
  #draw() {
    const { canvas, shown } = this;
    const side = Math.round(this.picture.clientWidth * (window.devicePixelRatio || 1));
    if (!shown || !side) return;
    if (canvas.width !== side || canvas.height !== side) Object.assign(canvas, { width: side, height: side });
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = !pixels.crisp || side < shown.width;
    context.imageSmoothingQuality = "medium";
    context.drawImage(shown, 0, 0, side, side);
  }

  leave() {
    document.removeEventListener("studio:crisp", this.crisp);
  }

  press(chosen) {
    if (chosen === this.pressed) return;
    this.pressed = chosen;
    [...this.cells.children].forEach((cell, i) => cell.setAttribute("aria-pressed", String(i === chosen)));
  }

  #move(event) {
    const cells = [...this.cells.children];
    const next = cells[cells.indexOf(event.target) + (MOVES[event.key] ?? NaN)];
    if (!next) return;
    event.preventDefault();
    cells.forEach((cell) => cell.setAttribute("tabindex", cell === next ? "0" : "-1"));
    next.focus();
  }
}

/** Picture i of a sheet, into a rectangle of a canvas. */
export function crop(context, bitmap, i, x, y, side) {
  const size = bitmap.width / COLUMNS;
  context.drawImage(bitmap, (i % COLUMNS) * size, Math.floor(i / COLUMNS) * size, size, size, x, y, side, side);
}
