// Arithmetic: pictures in three bins, A - B + C of their averages, and what G paints from it, live.

import { iconButton, make } from "../dom.js";
import { latest } from "../server.js";
import { number, t } from "../text.js";
import { average, combine, neighbours, NOISE } from "./groups.js";
import { grown, norm, ofSeed } from "./latent.js";
import { ofSeeds, seedsOf } from "./links.js";
import { keep } from "./mine.js";
import { savePng } from "./recipe.js";
import { dropTarget, put, tile } from "./tile.js";

const BINS = ["A", "B", "C"];
const SIGNS = { A: "", B: "−", C: "+" };
const MOST = 8; // pictures in a bin
const MIDDLE = 4; // of the sheet of nine
const REST = 120; // ms
// With classes: the same class seen from two sides, and another class; chosen by eye on the shipped models.
const EXAMPLE = { A: [1, 2, 10], B: [3, 6, 8], C: [3, 7, 13] };
const EXAMPLE_CLASSES = { A: 0.12, B: 0.12, C: 0.86 }; // shares of the list of classes
const PLAIN_EXAMPLE = { A: [0, 1, 2], B: [3, 4, 5], C: [6, 7, 8] };

export class Arithmetic {
  static toolName = "arithmetic";
  static title = "sums_title";
  static lead = "sums_lead";

  constructor(lab) {
    this.lab = lab;
    this.groups = { A: [], B: [], C: [] };
    this.bins = Object.fromEntries(BINS.map((name) => [name, this.#bin(name)]));
    this.canvas = make("canvas", { role: "img", "aria-label": t("sums_result") });
    this.sheet = make("div", { class: "sums-sheet", role: "group", "aria-label": t("sums_sheet") });
    this.facts = make("p", { class: "sums-facts", role: "status", "aria-live": "polite" });
    this.empty = make("p", { class: "empty", hidden: true }, t("sums_empty"));
    this.strength = make("input", { type: "range", min: 0, max: 2, step: 0.01, value: 1, oninput: () => this.#changed() });
    this.strengthIs = make("output", {});
    this.kept = make("input", { type: "checkbox", role: "switch", checked: true, onchange: () => this.#changed() });
    this.say = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.result = make("div", { class: "sums-result" },
      make("figure", {}, this.canvas, make("figcaption", {}, t("sums_result"))),
      make("figure", {}, this.sheet, make("figcaption", {}, t("sums_around", { noise: NOISE }))));
    this.element = make("section", { class: "sums" },
      make("div", { class: "sums-bins" }, ...BINS.map((name) => this.bins[name].element)),
      make("div", { class: "bar sums-controls" },
        make("label", { class: "sums-strength" }, make("span", {}, t("sums_strength")), this.strength, this.strengthIs),
        make("label", { class: "switch", title: t("sums_norm_about") }, this.kept, t("sums_norm"))),
      this.empty, this.result, this.facts,
      make("div", { class: "bar" },
        this.#button("sums_take", () => this.lab.take(this.sum), "accent"),
        this.#button("sums_keep", () => this.#keep()),
        this.#button("download_png", () => this.#save()),
        this.#button("sums_clear", () => this.#fill({ A: [], B: [], C: [] })),
        this.#button("sums_example", () => this.#example())),
      make("details", { class: "sums-why" }, make("summary", {}, t("sums_why")),
        ...["sums_why_mean", "sums_norm_about", "sums_why_classes"].map((key) => make("p", {}, t(key)))),
      this.say);
  }

  #button(key, onclick, kind = "plain") {
    return make("button", { type: "button", class: kind, onclick: () => { if (this.about) onclick(); } }, t(key));
  }

  #bin(name) {
    const bin = { name };
    bin.mean = make("canvas", { role: "img", "aria-label": t("sums_mean_of", { name }) });
    bin.list = make("ul", { class: "sums-list", "aria-label": t("sums_bin", { name }) });
    bin.add = make("button", { type: "button", class: "plain sums-add", "aria-label": t("sums_add_to", { name }), onclick: () => this.#pick(name) }, "+");
    bin.element = make("div", { class: `sums-bin sums-${name}`, "data-bin": name },
      make("h3", {}, make("span", { class: "sums-sign", "aria-hidden": "true" }, SIGNS[name]), t(`sums_${name}`)),
      make("div", { class: "sums-mean" }, bin.mean, bin.hint = make("span", {}, t("sums_drop")), make("small", { "aria-hidden": "true" }, t("sums_average"))),
      bin.list);
    dropTarget(this.lab, bin.element, (latent) => this.#add(name, latent));
    return bin;
  }

  // the laboratory's side

  model(about) {
    const before = this.about;
    this.about = about;
    this.paint = latest(() => this.#paintNow()); // what was painted with the model before may never end
    this.around = latest(() => this.#paintAround());
    this.sheet.replaceChildren();
    if (grown(before, about)) this.#fill(this.groups);
    else this.#example();
  }

  open() {
    this.paint();
  }

  /** The bins by their seeds, and what is done with them. */
  view() {
    const bins = BINS.map((name) => seedsOf(this.groups[name]));
    return bins.includes(null) ? null : [...bins, this.strength.value, this.kept.checked ? "kept" : "free"].join(";");
  }

  restore(view) {
    const [A, B, C, strength, kept] = view.split(";");
    const groups = Object.fromEntries(BINS.map((name, i) => [name, ofSeeds(this.about, [A, B, C][i] ?? "").slice(0, MOST)]));
    this.strength.value = strength;
    this.kept.checked = kept !== "free";
    this.#fill(groups);
  }

  // what is in the bins

  #example() {
    const { num_classes: classes } = this.about;
    this.#fill(Object.fromEntries(BINS.map((name) => [name, (classes ? EXAMPLE : PLAIN_EXAMPLE)[name].map((seed) =>
      ofSeed(this.about, seed, classes ? Math.floor(classes * EXAMPLE_CLASSES[name]) : null))])));
  }

  #fill(groups) {
    this.groups = groups;
    for (const name of BINS) this.#list(name);
    this.#tell("");
    this.#changed();
  }

  async #pick(name) {
    const latent = await this.lab.pick(t("sums_pick", { name }));
    if (latent) this.#add(name, latent);
    this.bins[name].add.focus();
  }

  #add(name, latent) {
    if (this.groups[name].length >= MOST) return this.#tell(t("sums_full", { most: MOST }), true);
    this.groups[name].push(latent);
    this.#tell("");
    this.#list(name);
    return this.#changed();
  }

  #remove(name, i) {
    this.groups[name].splice(i, 1);
    this.#list(name);
    this.#changed();
    const { list, add } = this.bins[name];
    (list.querySelectorAll(".icon-button")[Math.min(i, this.groups[name].length - 1)] ?? add).focus();
  }

  #list(name) {
    const { list, add, mean, hint } = this.bins[name];
    const group = this.groups[name];
    list.replaceChildren(
      ...group.map((latent, i) => make("li", {},
        tile(this.lab, latent, this.#named(name, i), (chosen) => this.lab.take(chosen)),
        iconButton("close", t("sums_remove", { picture: this.#named(name, i) }), () => this.#remove(name, i)))),
      make("li", {}, add));
    add.disabled = group.length >= MOST;
    const middle = average(group);
    mean.hidden = !middle;
    hint.hidden = Boolean(middle);
    if (middle) this.lab.brush.paint([middle]).then(([image]) => { if (this.groups[name] === group) put(mean, image); });
  }

  #named(name, i) {
    const { seed } = this.groups[name][i];
    return seed == null ? t("sums_picture", { name, i: i + 1 }) : t("sums_picture_seed", { name, i: i + 1, seed });
  }

  // the sum

  #changed() {
    const strength = Number(this.strength.value);
    this.strengthIs.textContent = number(strength, 2);
    this.strength.ariaValueText = number(strength, 2);
    this.sum = combine(this.groups, strength, this.kept.checked);
    this.lab.viewed();
    this.empty.hidden = Boolean(this.sum);
    this.result.hidden = this.facts.hidden = !this.sum;
    if (!this.sum) return;
    this.facts.textContent = this.#sentence(strength);
    this.paint();
  }

  async #paintNow() {
    const { sum } = this;
    if (!sum) return;
    const [image] = await this.lab.brush.paint([sum]);
    put(this.canvas, image);
    this.element.dataset.painted = Number(this.element.dataset.painted ?? 0) + 1;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.around(), REST);
  }

  /** The eight around it, once the hand rests: on the slider it waits for one picture and not for nine. */
  async #paintAround() {
    const { sum } = this;
    if (!sum) return;
    const eight = neighbours(sum);
    const nine = [...eight.slice(0, MIDDLE), sum, ...eight.slice(MIDDLE)];
    if (!this.sheet.children.length) {
      this.sheet.append(...nine.map((latent, i) => tile(this.lab, latent, t(i === MIDDLE ? "sums_take" : "sums_neighbour", { i: i + 1 }), (chosen) => this.lab.take(chosen))));
      return;
    }
    const images = await this.lab.brush.paint(nine);
    [...this.sheet.children].forEach((button, i) => {
      button.latent = nine[i];
      put(button.querySelector("canvas"), images[i]);
    });
  }

  #sentence(strength) {
    const { A, B, C } = this.groups;
    const raw = combine(this.groups, strength, false);
    const [long, due] = [norm(raw.z), norm(this.sum.z)];
    const words = [t(this.kept.checked ? "sums_norm_kept" : "sums_norm_is", {
      norm: number(long, 1), due: number(due, 1), shell: number(Math.sqrt(this.about.nz), 1), n: A.length + B.length + C.length,
    })];
    if (this.sum.y) words.push(t("sums_classes", { classes: this.#classes(this.sum.y) }));
    return words.join(" ");
  }

  #classes(y) {
    const named = [...y].map((share, i) => [share, this.about.classes[i]]).filter(([share]) => share > 0.005).sort((a, b) => b[0] - a[0]);
    const said = named.slice(0, 3).map(([share, name]) => `${name} (${number(100 * share)} %)`).join(", ");
    return named.length > 3 ? `${said} …` : said;
  }

  #tell(words, wrong = false) {
    this.say.textContent = words;
    this.say.classList.toggle("wrong", wrong);
  }

  async #keep() {
    if (!this.sum) return this.#tell(t("sums_empty"), true);
    const kept = await keep(this.lab, this.sum);
    if (kept) this.lab.tray.kept();
    return this.#tell(t(kept ? "lab_kept" : "lab_not_kept"), !kept);
  }

  async #save() {
    if (!this.sum) return this.#tell(t("sums_empty"), true);
    await savePng(this.lab, this.sum);
    return this.#tell(t("png_came"));
  }
}
