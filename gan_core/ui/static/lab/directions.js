// Directions: sliders that each change one thing, with the pictures along their way. They add up.

import { iconButton, make } from "../dom.js";
import { ask, Said } from "../server.js";
import { number, t } from "../text.js";
import { called, readAll, rename, taken, written } from "./found.js";
import { directionsOf, site } from "./home.js";
import { add, grown, norm, oneHot, point, posted, unpack } from "./latent.js";
import { Matrix } from "./matrix.js";
import { difference } from "./means.js";
import { fileName, hand } from "./recipe.js";
import { dropTarget, put, tile } from "./tile.js";

const REACH = 4; // standard deviations to either side
const TILES = 9; // one for each of them, and the start
const SETTLED = 250; // ms after the last move until the strips follow
const MOST_GROUP = 24; // pictures in a group
const LOCAL = 5; // of the Jacobian's: the rest changes next to nothing

export class Directions {
  static toolName = "directions";

  static title = "directions";

  static lead = "directions_lead";

  constructor(lab) {
    this.lab = lab;
    this.sections = [];
    this.waiting = make("div", { class: "loading", hidden: true }, this.bar = make("progress", { max: 1, "aria-label": t("directions_finding") }), this.waits = make("span", { role: "status" }));
    this.retry = make("button", { type: "button", class: "plain", hidden: true, onclick: () => this.#find() }, t("directions_again"));
    this.message = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.rows = make("div", { class: "direction-groups" });
    this.jacobian = make("button", { type: "button", class: "plain", hidden: Boolean(site), onclick: () => this.#local() }, t("directions_find_jacobian"));
    this.groups = new Groups(lab, (found) => this.#foundByHand(found));
    this.matrix = new Matrix(lab, (d) => this.#nameOf(d), (d, values) => values.map((value) => this.#along(d, value)));
    this.element = make("div", { class: "directions" },
      make("div", { class: "bar direction-bar" },
        make("button", { type: "button", class: "plain", onclick: () => this.#reset() }, t("directions_reset")),
        make("button", { type: "button", class: "plain", onclick: () => this.#rebase() }, t("directions_base")),
        this.jacobian),
      this.message, this.waiting, this.retry, this.rows,
      this.groups.element, this.matrix.element, this.#file());
    new IntersectionObserver((seen) => { if (seen.some(({ isIntersecting }) => isIntersecting)) this.#paint(); }).observe(this.rows);
  }

  // the laboratory's side

  model(about) {
    const before = this.about;
    this.about = about;
    if (grown(before, about) && this.found.length) { // what was found a moment ago still leads there, and the sliders stay
      for (const d of this.found) d.own = true; // their names are no names of this snapshot's
      for (const row of this.#all()) row.shown = undefined;
      this.retry.hidden = false;
      this.#say(t("directions_older"));
      return;
    }
    this.#say("");
    this.found = [];
    this.own = [];
    this.class = { id: "class", method: "class", name: {} };
    this.sections = [];
    this.wanted = undefined;
    this.groups.model();
    this.matrix.model(about, [], null);
    this.#lay();
    this.#find();
  }

  /** The hand was moved: by a slider here, or to another place, which is a new start. */
  hand(latent) {
    if (latent === this.made) return;
    this.made = latent;
    this.wanted = undefined; // an address told of another hand
    this.#start(latent);
    for (const row of this.#all()) row.set(0);
    this.#follow(0);
  }

  /** Where the sliders stand at 0. */
  #start(latent) {
    this.base = latent;
    this.starts = (this.starts ?? 0) + 1;
  }

  close() {
    this.round = (this.round ?? 0) + 1; // what was being painted is not wanted now
  }

  open() {
    this.#follow(0);
  }

  view() {
    return this.#all().filter(({ value }) => value).map(({ d, value }) => `${d.id}:${value.toFixed(2)}`).join(",") || null;
  }

  restore(view) {
    this.wanted = view;
    if (this.found.length) this.#restoreNow();
  }

  /** The hand in the address is where the sliders had led: they began that far before. */
  #restoreNow() {
    const moves = String(this.wanted).split(",").map((part) => part.split(":"));
    this.wanted = undefined;
    let { z } = this.base;
    for (const [id, text] of moves) {
      const row = this.#all().find(({ d }) => d.id === id && d.z);
      const value = Number(text);
      if (!row || !Number.isFinite(value)) continue;
      row.set(Math.max(-REACH, Math.min(REACH, value)));
      z = add(z, row.d.z, -row.value);
    }
    this.#start(point(z, this.base.y));
    this.#follow(0);
  }

  // finding

  async #find() {
    const { about } = this;
    this.waiting.hidden = false;
    this.retry.hidden = true;
    this.#say("");
    this.bar.removeAttribute("value");
    this.waits.textContent = t("directions_finding");
    try {
      const file = await directionsOf(about, (wait) => {
        if (this.about !== about) throw new DOMException("another model", "AbortError");
        this.bar.value = wait.done / wait.of;
        this.waits.textContent = [t("directions_finding"), wait.left != null && t("directions_left_seconds", { seconds: number(Math.ceil(wait.left)) })].filter(Boolean).join(" ");
      });
      if (this.about !== about) return;
      this.found = readAll(about, file);
      this.#lay();
      this.matrix.model(about, this.found, file);
      if (!this.found.length) this.#say(t("directions_none"));
      if (this.wanted) this.#restoreNow();
    } catch (error) {
      if (this.about !== about || error.name === "AbortError") return;
      this.#say(sentence(error), true);
      this.retry.hidden = false;
    } finally {
      if (this.about === about) this.waiting.hidden = true;
    }
  }

  async #local() {
    const { about, lab } = this;
    this.jacobian.disabled = true;
    const began = performance.now();
    try {
      const { directions } = await ask("lab/jacobian", {}, { method: "POST", body: JSON.stringify({ model: about.key, ...posted([lab.hand]) }) });
      if (this.about !== about) return;
      this.own = this.own.filter(({ method }) => method !== "jacobian");
      this.own.push(...directions.slice(0, LOCAL).map((d) => ({ ...d, z: unpack(d.z), name: {}, own: true })));
      this.#rebase();
      this.#lay("jacobian");
      this.#say(t("directions_found_jacobian", { seconds: number((performance.now() - began) / 1000, 1) }));
    } catch (error) {
      if (this.about === about) this.#say(sentence(error), true);
    } finally {
      this.jacobian.disabled = false;
    }
  }

  #foundByHand(found) {
    const n = this.own.filter(({ method }) => method === "means").length + 1;
    const name = t("directions_difference", { n });
    this.own.push({ ...found, id: `own-${n}`, method: "means", name: { en: name, zh: name }, own: true });
    this.#lay("own");
    this.#say("");
  }

  // the rows

  #all() {
    return this.sections.flatMap(({ rows }) => rows);
  }

  /** All sections anew; rows that were there stay as they stand. `opened` is the section to look at. */
  #lay(opened = null) {
    const open = new Set(this.sections.filter(({ element }) => element.open).map(({ kind }) => kind));
    const of = (method) => this.found.filter((d) => d.method === method);
    const own = this.own.filter(({ method }) => method !== "jacobian");
    const there = new Map(this.#all().map((row) => [row.d, row]));
    const kinds = [
      ["jacobian", this.own.filter(({ method }) => method === "jacobian")], ["own", own],
      ["class", this.about.num_classes ? [this.class] : []],
      ["means", of("means")], ["sefa", of("sefa")], ["pca", of("pca")],
    ].filter(([, some]) => some.length);
    const first = open.size ? null : ["means", "sefa", "pca", "own"].find((kind) => kinds.some(([name]) => name === kind));
    this.sections = kinds.map(([kind, some]) => this.#section(kind, some, there, open.has(kind) || kind === opened || kind === first));
    this.rows.replaceChildren(...this.sections.map(({ element }) => element));
    if (opened) this.sections.find(({ kind }) => kind === opened)?.element.scrollIntoView({ block: "nearest" });
    this.#follow(0);
  }

  #section(kind, some, there, open) {
    const rows = some.map((d, i) => there.get(d) ?? new (kind === "class" ? ClassRow : Row)(this, d, i + 1));
    const element = make("details", { class: "direction-group", open, ontoggle: () => this.#follow(0) },
      make("summary", {}, t(`directions_${kind}`), make("span", { class: "count" }, kind === "class" ? "" : ` · ${number(rows.length)}`)),
      make("p", { class: "note" }, t(`directions_${kind}_about`)), ...rows.map(({ element: row }) => row));
    return { kind, rows, element };
  }

  #nameOf(d) {
    const same = this.found.filter(({ method }) => method === d.method);
    return called(d, same.indexOf(d) + 1);
  }

  /** Where the sliders lead, with one of them somewhere else. */
  at(changed = null, value = 0) {
    let latent = this.base;
    for (const row of this.#all()) {
      const s = row === changed ? value : row.value;
      if (s) latent = row.move(latent, s);
    }
    return latent === this.base ? this.base : point(latent.z, latent.y);
  }

  #along(d, value) {
    const row = this.#all().find((other) => other.d === d);
    return row ? this.at(row, value) : point(add(this.base.z, d.z, value), this.base.y);
  }

  /** A slider moved: the picture follows at once, the strips of the others when it has come to rest. */
  moved(row = null) {
    this.made = this.at();
    this.lab.take(this.made);
    this.#follow(SETTLED, row);
  }

  #reset() {
    for (const row of this.#all()) row.set(0);
    this.#say("");
    this.made = this.base;
    this.lab.take(this.base);
    this.#follow(0);
  }

  #rebase() {
    this.#start(this.at());
    this.made = this.base;
    for (const row of this.#all()) row.set(0);
    this.lab.viewed();
    this.#say(t("directions_based"));
    this.#follow(0);
  }

  // the strips

  #follow(after, moving = null) {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.#paint(moving), after);
  }

  /** All strips that are not as they should be, those in sight first; `moving`'s own does not change by its slider. */
  async #paint(moving = null) {
    if (!this.base || !this.element.isConnected || !this.element.clientWidth) return;
    this.round = (this.round ?? 0) + 1;
    const { round } = this;
    const open = this.#all().filter((row) => row !== moving && row.element.offsetParent);
    for (const row of [...open.filter(inSight), ...open.filter((row) => !inSight(row))]) {
      const stands = [this.starts, row.turn, ...this.#all().filter((other) => other !== row && other.value).map((other) => `${other.d.id} ${other.turn} ${other.value}`)].join();
      if (row.shown === stands) continue;
      const latents = row.values.map((value) => this.at(row, value));
      const images = await this.lab.brush.paint(latents).catch(() => null);
      if (this.round !== round || !images) return;
      row.show(latents, images);
      row.shown = stands;
    }
    this.rows.dataset.painted = round;
  }

  // names and files

  async rename(row, text) {
    try {
      const key = await rename(this.about, row.d, text);
      row.called();
      this.matrix.names();
      this.#say(t(key, { name: row.name }));
    } catch (error) {
      row.called();
      this.#say(sentence(error), true);
    }
  }

  #file() {
    this.chooser = make("input", { type: "file", accept: "application/json,.json", hidden: true, onchange: () => this.#import() });
    return make("details", { class: "more" }, make("summary", {}, t("directions_file")),
      make("div", { class: "bar" },
        make("button", { type: "button", class: "plain", onclick: () => hand(new Blob([written(this.about, [...this.found, ...this.own])], { type: "application/json" }), `${fileName(this.about)}-directions.json`) }, t("directions_export")),
        make("button", { type: "button", class: "plain", onclick: () => this.chooser.click() }, t("directions_import")), this.chooser));
  }

  async #import() {
    const [file] = this.chooser.files;
    this.chooser.value = "";
    if (!file) return;
    const come = file.size < 4e6 ? taken(this.about, await file.text(), [...this.found, ...this.own]) : null;
    if (!come) {
      this.#say(t("directions_import_wrong", { name: file.name, nz: this.about.nz }), true);
      return;
    }
    come.added.forEach((d, i) => this.own.push({ ...d, id: `own-file-${this.own.length + i}`, method: "means" }));
    this.#lay(come.added.length ? "own" : null);
    for (const row of this.#all()) row.called();
    this.matrix.names();
    this.#say(t("directions_imported", { named: come.named, added: come.added.length }));
  }

  #say(words, wrong = false) {
    this.message.textContent = words;
    this.message.classList.toggle("wrong", wrong);
  }
}

const inSight = ({ element }) => {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
};

/** One direction: its name, its slider, and the pictures along it right above the slider's marks. */
class Row {
  constructor(tool, d, n) {
    Object.assign(this, { tool, d, n, value: 0, turn: 0 });
    this.label = make("button", { type: "button", class: "direction-name", title: t("directions_rename_hint"), onclick: () => this.#edit() });
    this.fact = make("span", { class: "fact" }, this.told);
    this.output = make("output", { class: "direction-value" });
    this.range = make("input", { type: "range", min: this.low, max: this.high, step: 0.01, value: 0 });
    this.range.addEventListener("input", () => { this.set(Number(this.range.value), true); this.tool.moved(this); });
    this.range.addEventListener("dblclick", () => { this.set(0); this.tool.moved(this); });
    this.strip = make("div", { class: "direction-strip", role: "group" }, ...this.values.map((value) => this.#tile(value)));
    this.words = make("div", { class: "direction-words" }, this.label, this.fact);
    this.element = make("div", { class: "direction" }, this.words, make("div", { class: "direction-way" }, this.strip, this.range), this.output);
    this.called();
    this.set(0);
  }

  get low() { return -REACH; }

  get high() { return REACH; }

  /** Of the tiles: evenly from one end of the slider to the other. */
  get values() {
    return Array.from({ length: TILES }, (_, i) => this.low + (i * (this.high - this.low)) / (TILES - 1));
  }

  get spoken() { return called(this.d, this.n); }

  get measured() { return t("directions_slider", { name: this.name }); }

  get told() {
    const { method, share, length, trust } = this.d;
    if (trust != null && trust < 0.4) return t("directions_share_chance");
    if (length != null) return t("directions_share_means", { length: number(length, 1) });
    return share == null ? "" : t(`directions_share_${method}`, { percent: number(100 * share, share < 0.1 ? 1 : 0) });
  }

  move(latent, s) {
    return { ...latent, z: add(latent.z, this.d.z, s) };
  }

  called() {
    this.name = this.spoken;
    this.label.textContent = this.name;
    this.label.setAttribute("aria-label", t("directions_rename", { name: this.name }));
    this.label.classList.toggle("unnamed", !Object.keys(this.d.name ?? {}).length);
    this.range.setAttribute("aria-label", this.measured);
    this.strip.setAttribute("aria-label", this.name);
    for (const button of this.strip.children) button.setAttribute("aria-label", t("directions_tile", { name: this.name, value: this.words_(Number(button.dataset.value)) }));
  }

  set(value, fromRange = false) {
    this.value = value;
    if (!fromRange) this.range.value = value;
    this.range.setAttribute("aria-valuetext", this.words_(value));
    this.output.textContent = value ? this.words_(value) : "";
    this.element.classList.toggle("moved", value !== 0);
    for (const button of this.strip.children) button.classList.toggle("current", Math.abs(button.dataset.value - value) < 0.01);
  }

  words_(value) {
    return `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value), 1)}`;
  }

  show(latents, images) {
    [...this.strip.children].forEach((button, i) => {
      button.latent = latents[i];
      put(button.querySelector("canvas"), images[i]);
    });
  }

  #tile(value) {
    const size = this.tool.about.size;
    const go = () => { this.set(value); this.tool.moved(this); };
    return make("button", { type: "button", class: "tile", tabindex: "-1", "data-value": value, onclick: go }, make("canvas", { "aria-hidden": "true", width: size, height: size }));
  }

  #edit() {
    const box = make("input", { type: "text", maxlength: 40, "aria-label": t("directions_new_name", { name: this.name }) });
    box.value = this.label.classList.contains("unnamed") ? "" : this.name;
    box.placeholder = this.name;
    let over = false;
    const end = (keep) => {
      if (over) return;
      over = true;
      const text = box.value.trim();
      box.replaceWith(this.label);
      this.label.focus();
      if (keep && text !== this.name && (text || !this.label.classList.contains("unnamed"))) this.tool.rename(this, text);
    };
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault(); // or the button that takes its place is pressed by the same key
      event.stopPropagation();
      end(event.key === "Enter");
    });
    box.addEventListener("blur", () => end(true));
    this.label.replaceWith(box);
    box.focus();
    box.select();
  }
}

/** From the start's class to another: the weights of classes go straight. */
class ClassRow extends Row {
  constructor(tool, d, n) {
    super(tool, d, n);
    const { classes } = tool.about;
    this.label.hidden = true;
    this.chosen = classes.length > 1 ? 1 : 0;
    this.select = make("select", { "aria-label": t("directions_which_class"), onchange: () => {
      this.chosen = Number(this.select.value);
      this.turn++; // its strip leads elsewhere
      this.called();
      this.tool.moved();
    } }, ...classes.map((name, i) => make("option", { value: i, selected: i === this.chosen }, name)));
    this.words.prepend(this.select);
    this.called();
  }

  get low() { return 0; }

  get high() { return 1; }

  get told() { return t("directions_share_class"); }

  get spoken() { return t("directions_towards", { name: this.tool.about.classes[this.chosen ?? 0] }); }

  get measured() { return this.name; }

  move(latent, s) {
    const end = oneHot(this.tool.about.num_classes, this.chosen);
    return { ...latent, y: latent.y.map((share, i) => (1 - s) * share + s * end[i]) };
  }

  words_(value) {
    return `${number(100 * value)} %`;
  }
}

/** Two groups of pictures, and the difference of their means. */
class Groups {
  constructor(lab, found) {
    Object.assign(this, { lab, found });
    this.bins = { plus: this.#bin("plus"), minus: this.#bin("minus") };
    this.message = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.element = make("details", { class: "more direction-hand" }, make("summary", {}, t("directions_groups")),
      make("p", { class: "note" }, t("directions_groups_about")),
      make("div", { class: "direction-bins" }, this.bins.plus.element, this.bins.minus.element),
      make("div", { class: "bar" }, make("button", { type: "button", class: "accent", onclick: () => this.#find() }, t("directions_find_means"))), this.message);
  }

  model() {
    for (const bin of Object.values(this.bins)) {
      bin.latents = [];
      this.#list(bin);
    }
    this.message.textContent = "";
  }

  #bin(kind) {
    const bin = { kind, latents: [], title: t(`directions_${kind}`) };
    bin.list = make("div", { class: "tiles" });
    bin.element = make("div", { class: "direction-bin" }, make("h3", {}, bin.title), bin.list);
    bin.more = make("button", { type: "button", class: "plain direction-add", "aria-label": t("directions_add_to", { group: bin.title }), onclick: async () => {
      const latent = await this.lab.pick(t("directions_add_to", { group: bin.title }));
      if (latent) this.#add(bin, latent);
      bin.more.focus();
    } }, "+");
    dropTarget(this.lab, bin.element, (latent) => this.#add(bin, latent));
    return bin;
  }

  #add(bin, latent) {
    if (bin.latents.length < MOST_GROUP) bin.latents.push(latent);
    this.#list(bin);
  }

  #list(bin) {
    bin.list.replaceChildren(...bin.latents.map((latent, i) => make("span", { class: "direction-member" },
      tile(this.lab, latent, t("seed_is", { seed: latent.seed ?? "?" }), (chosen) => this.lab.take(chosen)),
      iconButton("close", t("directions_take_out", { n: i + 1, group: bin.title }), () => {
        bin.latents.splice(i, 1);
        this.#list(bin);
        bin.more.focus();
      }))), bin.more);
  }

  #find() {
    const [plus, minus] = [this.bins.plus.latents, this.bins.minus.latents];
    if (!plus.length || !minus.length) {
      this.message.textContent = t("directions_need_groups");
      this.message.classList.add("wrong");
      return;
    }
    const found = difference(this.lab.about, plus, minus);
    const told = { length: number(found.length, 1), trust: number(found.trust, 2), raw: number(found.raw, 1), chance: number(found.chance, 1), n: found.enough };
    const words = t(found.trust >= 0.7 ? "directions_trust_good" : found.trust >= 0.4 ? "directions_trust_some" : "directions_trust_none", told);
    this.message.textContent = words;
    this.message.classList.toggle("wrong", false);
    this.found({ z: found.z, length: found.length, trust: found.trust });
  }
}

const sentence = (error) => {
  if (error instanceof Said) return error.message;
  console.error(error);
  return t("went_wrong");
};
