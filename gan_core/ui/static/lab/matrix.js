// How entangled directions are: a table of shades, with its numbers for whoever reads it otherwise; a cell shows both.

import { make } from "../dom.js";
import { number, t } from "../text.js";
import { unpack } from "./latent.js";
import { put } from "./tile.js";

const ALONG = [-3, -2, -1, 0, 1, 2, 3];

export class Matrix {
  constructor(lab, nameOf, along) {
    Object.assign(this, { lab, nameOf, along, at: [0, 1] });
    this.table = make("table", { class: "matrix", role: "grid", "aria-label": t("directions_matrix") });
    this.table.addEventListener("keydown", (event) => this.#key(event));
    this.about = make("p", { class: "note" });
    this.pair = make("div", { class: "matrix-pair", role: "status", "aria-live": "polite" });
    this.element = make("details", { class: "more", hidden: true, ontoggle: () => { if (this.element.open) this.#show(); } },
      make("summary", {}, t("directions_matrix")), this.about, make("div", { class: "matrix-scroll" }, this.table), this.pair);
  }

  model(about, found, file) {
    this.found = found;
    this.element.hidden = true;
    this.round = (this.round ?? 0) + 1;
    this.pair.replaceChildren();
    const k = (file?.directions ?? []).length;
    let values;
    try {
      values = unpack(file?.matrix ?? "");
    } catch {
      return;
    }
    if (found.length < 2 || found.length !== k || values.length !== k * k) return;
    this.value = (i, j) => Math.round(100 * values[i * k + j]);
    this.floor = Math.round(100 * Number(file.floor) || 0);
    this.about.textContent = t("directions_matrix_about", { floor: this.floor });
    this.element.hidden = false;
    this.at = [0, 1];
    this.#lay();
    if (this.element.open) this.#show();
  }

  names() {
    if (!this.element.hidden) this.#lay();
  }

  #lay() {
    const names = this.found.map((d) => this.nameOf(d));
    this.table.replaceChildren(
      make("thead", {}, make("tr", {}, make("td"), ...names.map((name, j) => make("th", { scope: "col", title: name }, String(j + 1))))),
      make("tbody", {}, ...names.map((name, i) => make("tr", {},
        make("th", { scope: "row", title: name }, make("span", { class: "matrix-number" }, String(i + 1)), ` ${name}`),
        ...names.map((other, j) => this.#cell(i, j, name, other))))));
    this.cells = [...this.table.querySelectorAll("td[data-i]")];
  }

  #cell(i, j, name, other) {
    const value = this.value(i, j);
    const label = t("directions_matrix_cell", { a: name, b: other, value });
    return make("td", {
      "data-i": i, "data-j": j, role: "gridcell", tabindex: i === this.at[0] && j === this.at[1] ? "0" : "-1", title: label, "aria-label": label,
      style: `--share: ${value}%`, onclick: () => this.#choose(i, j),
    }, i === j ? "" : number(value));
  }

  #key(event) {
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#show();
      return;
    }
    if (!way) return;
    event.preventDefault();
    const k = this.found.length;
    this.#choose(...this.at.map((value, axis) => Math.min(k - 1, Math.max(0, value + way[axis]))));
  }

  #choose(i, j) {
    this.#cellAt(this.at).setAttribute("tabindex", "-1");
    this.at = [i, j];
    this.#cellAt(this.at).setAttribute("tabindex", "0");
    this.#cellAt(this.at).focus();
    this.#show();
  }

  #cellAt([i, j]) {
    return this.cells[i * this.found.length + j];
  }

  /** Both strips, one above the other. */
  async #show() {
    const round = (this.round ?? 0) + 1;
    this.round = round;
    for (const cell of this.cells) cell.classList.toggle("current", cell === this.#cellAt(this.at));
    const pair = [...new Set(this.at)].map((i) => this.found[i]);
    const [a, b] = this.at.map((i) => this.nameOf(this.found[i]));
    const strips = pair.map((d) => make("div", { class: "direction-strip" }, ...ALONG.map(() => make("canvas", { width: this.lab.about.size, height: this.lab.about.size }))));
    this.pair.replaceChildren(
      make("p", {}, this.at[0] === this.at[1] ? a : t("directions_pair", { a, b, value: this.value(...this.at), floor: this.floor })),
      ...pair.flatMap((d, n) => [make("span", { class: "fact" }, this.nameOf(d)), strips[n]]));
    for (const [n, d] of pair.entries()) {
      const images = await this.lab.brush.paint(this.along(d, ALONG)).catch(() => []);
      if (this.round !== round) return;
      images.forEach((image, i) => put(strips[n].children[i], image));
    }
  }
}
