// Inside G: one picture takes another's features at any stage, and channels are switched off to see what they paint.

import { make } from "../dom.js";
import { latest, Said } from "../server.js";
import { number, t } from "../text.js";
import { paintInside, strengthsOf, untouched } from "./inner.js";
import { grown, ofSeed } from "./latent.js";
import { fileName, hand, pngOf } from "./recipe.js";
import { dropTarget, put, tile } from "./tile.js";

const CELLS = 4; // a side of the board of a stage that is a power of two
const SHOWN = 64; // channels at a time
const SAMPLES = 96; // in which a channel is looked for
const BEST = 12; // of them are shown
const TOP = 8; // channels that one button switches off

export class Inside {
  static toolName = "inside";

  static title = "inside";

  static lead = "inside_lead";

  static anywhere = false; // a page of its own says itself whether it has the graph

  constructor(lab) {
    this.lab = lab;
    this.result = make("canvas", { role: "img", "aria-label": t("inside_result_of") });
    this.change = make("canvas", { role: "img", "aria-label": t("inside_difference_of") });
    this.changeFigure = make("figure", { hidden: true }, this.change, this.changeWords = make("figcaption", {}, t("inside_difference")));
    this.a = make("figure", {});
    this.b = make("figure", {});
    this.message = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.board = new Board(this);
    this.channels = new Channels(this);
    this.parts = { mix: this.board, channels: this.channels };
    this.segments = make("div", { class: "segments", role: "group", "aria-label": t("inside_what") },
      ...Object.keys(this.parts).map((name) => make("button", { type: "button", "data-part": name, onclick: () => this.#show(name) }, t(`inside_${name}`))));
    this.element = make("div", { class: "inside" },
      make("div", { class: "inside-pictures" }, this.a, this.b,
        make("figure", { class: "inside-result" }, this.result, make("figcaption", {}, t("inside_result"))), this.changeFigure),
      make("div", { class: "bar inside-bar" }, this.segments,
        make("button", { type: "button", class: "plain", onclick: () => this.#png() }, t("inside_png"))),
      this.message, this.board.element, this.channels.element);
    this.#show("mix");
  }

  // the laboratory's side

  model(about) {
    const same = grown(this.about, about) && JSON.stringify(this.about.stages) === JSON.stringify(about.stages);
    this.about = about;
    this.paint = latest(() => this.#paintNow()); // what was painted with the model before may never end
    this.opened = false; // its graph is still to come
    this.image = undefined;
    if (same) {
      this.channels.forget();
      for (const face of [this.faceA, this.faceB]) face?.show(face.latent);
      return;
    }
    this.changes = untouched(about);
    this.partner = ofSeed(about, 1);
    this.board.model(about);
    this.channels.model(about);
    this.#pair();
  }

  hand(latent) {
    if (!this.about) return;
    this.latent = latent;
    this.#pair();
    this.changed();
  }

  /** Another picture is to be painted, whatever channels are off: `turn` is its number. */
  changed() {
    this.turn = (this.turn ?? 0) + 1;
    this.paint();
  }

  open() {
    if (this.latent) this.paint();
  }

  view() {
    return this.part === "mix" ? null : this.part;
  }

  restore(view) {
    if (view in this.parts) this.#show(view);
  }

  #show(part) {
    this.part = part;
    for (const [name, { element }] of Object.entries(this.parts)) element.hidden = name !== part;
    for (const button of this.segments.children) button.setAttribute("aria-pressed", String(button.dataset.part === part));
    this.a.hidden = this.b.hidden = part !== "mix";
    this.changeFigure.hidden = part !== "channels";
    if (this.lab.about && this.about) {
      this.lab.viewed();
      this.changed();
    }
  }

  #pair() {
    if (!this.latent || this.latent.z.length !== this.about.nz) return;
    if (!this.faceA) {
      this.faceA = tile(this.lab, this.latent, t("inside_a"), () => {}, { disabled: true });
      this.faceB = tile(this.lab, this.partner, t("inside_b"), async () => this.#take(await this.lab.pick(t("inside_b"))));
      dropTarget(this.lab, this.b, (latent) => this.#take(latent));
      this.a.replaceChildren(this.faceA, make("figcaption", {}, t("inside_a")));
      this.b.replaceChildren(this.faceB, make("figcaption", {}, t("inside_b")));
      return;
    }
    if (this.faceA.latent !== this.latent) this.faceA.show(this.latent);
    if (this.faceB.latent !== this.partner) this.faceB.show(this.partner);
  }

  #take(latent) {
    if (!latent) return;
    this.partner = latent;
    this.#pair();
    this.changed();
  }

  // the picture

  async #paintNow() {
    const { lab, about, latent, partner } = this;
    if (!about || !latent || lab.about !== about || latent.z.length !== about.nz) return;
    if (!this.opened) this.#say(t("inside_loading"));
    try {
      const { changes, part, turn } = this;
      const plain = untouched(about); // what the part out of sight has changed would puzzle
      const now = part === "mix" ? { ...plain, masks: changes.masks.map((mask) => mask.slice()) } : { ...plain, gates: changes.gates.map((gate) => gate.slice()) };
      const made = await paintInside(lab, latent, partner, now);
      const off = now.gates.some((gate) => gate.includes(0));
      const whole = off ? await paintInside(lab, latent, partner, plain) : made;
      if (lab.about !== about || this.about !== about) return;
      if (!this.opened) this.#say("");
      this.opened = true;
      this.image = made.image;
      put(this.result, made.image);
      const { image, most } = apart(made.image, whole.image);
      put(this.change, image);
      this.changeWords.textContent = off ? t("inside_difference_is", { percent: number((100 * most) / 255) }) : t("inside_difference");
      this.channels.strengths(whole.strengths, turn);
      this.board.pictures();
      this.element.dataset.painted = Number(this.element.dataset.painted ?? 0) + 1;
    } catch (error) {
      this.#say(sentence(error), true);
    }
  }

  async #png() {
    if (!this.image) return;
    const made = { model: this.about.key.split("@")[0], step: this.about.step, changed: "inside", software: "DCGAN Studio" }; // no z paints it
    hand(await pngOf(this.image, made), `${fileName(this.about)}-inside.png`);
  }

  #say(words, wrong = false) {
    this.message.textContent = words;
    this.message.classList.toggle("wrong", wrong);
  }
}

/** For each stage a square of cells: A's picture, and B's in the cells that are taken from B. */
class Board {
  constructor(tool) {
    this.tool = tool;
    this.stages = make("div", { class: "inside-stages" });
    this.told = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.about = make("p", { class: "note" });
    this.element = make("div", {}, this.about, this.stages,
      make("div", { class: "bar" },
        make("button", { type: "button", class: "plain", onclick: () => this.#example() }, t("inside_example")),
        make("button", { type: "button", class: "plain", onclick: () => this.#fill(() => "none") }, t("inside_clear"))), this.told);
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { this.dragging = undefined; });
  }

  model(about) {
    this.boards = about.stages.map(({ side }, i) => {
      const cells = side % CELLS ? side : Math.min(side, CELLS);
      return { i, side, cells: cells > 8 ? cells / 2 : cells, name: nameOf(about, i), at: 0 };
    });
    this.about.textContent = t(about.stages.every(({ side }) => side === 1) ? "inside_mix_flat" : "inside_mix_about");
    this.stages.replaceChildren(...this.boards.map((board) => this.#build(board)));
    this.#example(); // something to see at once
  }

  #build(board) {
    const { cells } = board;
    board.taken = new Float32Array(cells * cells);
    board.canvas = make("canvas", { "aria-hidden": "true" });
    if (board.side === 1) return this.#slider(board);
    board.buttons = Array.from({ length: cells * cells }, (_, k) => make("button", {
      type: "button", class: "inside-cell", "aria-pressed": "false", tabindex: k ? "-1" : "0",
      "aria-label": t("inside_cell", { stage: board.name, row: Math.floor(k / cells) + 1, column: (k % cells) + 1 }),
    }));
    const grid = make("div", { class: "inside-grid", role: "group", "aria-label": board.name, style: `--cells: ${cells}` }, board.canvas, ...board.buttons);
    grid.addEventListener("pointerdown", (event) => this.#down(event, board));
    grid.addEventListener("pointermove", (event) => this.#over(event, board));
    grid.addEventListener("click", (event) => { if (!event.detail) this.#toggle(board, board.buttons.indexOf(event.target)); }); // by the keyboard
    grid.addEventListener("keydown", (event) => this.#key(event, board));
    const quick = ["all", "none", ...(cells > 1 ? ["left", "top"] : [])].map((what) => make("button", {
      type: "button", class: "inside-quick", "aria-label": t("inside_quick", { stage: board.name, what: t(`inside_${what}`) }), onclick: () => this.#fill(() => what, board.i),
    }, t(`inside_${what}`)));
    return make("div", { class: "inside-stage" }, make("h3", {}, board.name), grid, make("div", { class: "inside-quicks" }, ...quick));
  }

  /** Where there are no places: a share of B, blended in. */
  #slider(board) {
    board.buttons = [];
    board.range = make("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0, "aria-label": t("inside_share", { stage: board.name }), oninput: () => {
      board.taken[0] = Number(board.range.value);
      this.#changed(board);
    } });
    return make("div", { class: "inside-stage" }, make("h3", {}, board.name), make("div", { class: "inside-grid", style: "--cells: 1" }, board.canvas), board.range);
  }

  #down(event, board) {
    const k = board.buttons.indexOf(event.target);
    if (event.button || k < 0) return;
    event.target.releasePointerCapture?.(event.pointerId); // a finger holds what it touched first
    this.dragging = { board, to: board.taken[k] ? 0 : 1 };
    this.#set(board, k, this.dragging.to);
  }

  #over(event, board) {
    if (this.dragging?.board !== board) return;
    const k = board.buttons.indexOf(document.elementFromPoint(event.clientX, event.clientY));
    if (k >= 0) this.#set(board, k, this.dragging.to);
  }

  #key(event, board) {
    const { cells } = board;
    const k = board.buttons.indexOf(event.target);
    const [row, column] = [Math.floor(k / cells), k % cells];
    const next = { ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column], ArrowDown: [row + 1, column] }[event.key];
    if (!next || k < 0) return;
    event.preventDefault();
    if (next.some((value) => value < 0 || value >= cells)) return;
    const button = board.buttons[next[0] * cells + next[1]];
    event.target.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
    button.focus();
  }

  #toggle(board, k) {
    if (k >= 0) this.#set(board, k, board.taken[k] ? 0 : 1);
  }

  #set(board, k, to) {
    if (board.taken[k] === to) return;
    board.taken[k] = to;
    this.#changed(board);
  }

  /** One half from B, where G has settled the shape and not yet the rest; where there are no places, a half of all. */
  #example() {
    const early = Math.min(1, this.boards.length - 1);
    this.#fill((stage) => (stage === early ? "left" : "none"));
  }

  /** `what(stage)` for each stage, or for one. */
  #fill(what, only = null) {
    for (const board of this.boards) {
      if (only !== null && board.i !== only) continue;
      const { cells } = board;
      const choice = what(board.i);
      const from = { all: () => 1, none: () => 0, left: (row, column) => cells > 1 ? Number(column < cells / 2) : 0.5, top: (row) => Number(row < cells / 2) }[choice];
      board.taken = board.taken.map((_, k) => from(Math.floor(k / cells), k % cells));
      if (board.range) board.range.value = board.taken[0];
      this.#changed(board);
    }
  }

  #changed(board) {
    const { i, side, cells, taken } = board;
    const mask = this.tool.changes.masks[i];
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) mask[y * side + x] = taken[Math.floor((y * cells) / side) * cells + Math.floor((x * cells) / side)];
    board.buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(Boolean(taken[k]))));
    this.#tell();
    this.#draw(board);
    this.tool.changed();
  }

  #tell() {
    const used = this.boards.filter(({ taken }) => taken.some(Boolean)).map(({ name }) => name);
    const whole = this.boards.find(({ taken }) => taken.every((share) => share === 1));
    this.told.textContent = whole ? t("inside_whole", { stage: whole.name }) : used.length ? t("inside_taken", { stages: used.join("; ") }) : t("inside_nothing");
  }

  /** A or B has changed. */
  pictures() {
    for (const board of this.boards) this.#draw(board);
  }

  #draw({ canvas, cells, taken }) {
    const { about, faceA, faceB } = this.tool;
    if (!faceA) return;
    const [a, b] = [faceA, faceB].map((face) => face.querySelector("canvas"));
    const side = about.size;
    if (canvas.width !== side) Object.assign(canvas, { width: side, height: side });
    const context = canvas.getContext("2d");
    const step = side / cells;
    for (let k = 0; k < cells * cells; k++) {
      const [x, y] = [(k % cells) * step, Math.floor(k / cells) * step];
      context.drawImage(a, x, y, step, step, x, y, step, step);
      context.globalAlpha = taken[k];
      context.drawImage(b, x, y, step, step, x, y, step, step);
      context.globalAlpha = 1;
    }
  }
}

/** The channels of one stage, the strongest first. */
class Channels {
  constructor(tool) {
    this.tool = tool;
    this.select = make("select", { "aria-label": t("inside_which_stage"), onchange: () => { this.stage = Number(this.select.value); this.order = undefined; this.#list(); } });
    this.list = make("div", { class: "inside-channels", role: "group", "aria-label": t("inside_channels") });
    this.told = make("p", { class: "note" });
    this.off = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.where = make("button", { type: "button", class: "plain", disabled: true, onclick: () => this.#strongest() }, t("inside_choose"));
    this.said = make("p", { class: "note", role: "status", "aria-live": "polite" });
    this.found = make("div", { class: "tiles" });
    this.element = make("div", {}, make("p", { class: "note" }, t("inside_channels_about")),
      make("div", { class: "bar" }, this.select,
        make("button", { type: "button", class: "plain", onclick: () => this.#switchTop() }, t("inside_off_top")),
        make("button", { type: "button", class: "plain", onclick: () => this.#allOn() }, t("inside_all_on"))),
      this.told, this.list, this.off, make("div", { class: "bar" }, this.where), this.said, this.found);
    this.list.addEventListener("keydown", (event) => this.#key(event));
  }

  /** What was measured is of another G. */
  forget() {
    this.looked = undefined;
    this.found.replaceChildren();
    this.said.textContent = "";
  }

  model(about) {
    this.forget();
    this.stage = 0;
    this.order = undefined;
    this.chosen = undefined;
    this.values = undefined;
    this.select.replaceChildren(...about.stages.map((_, i) => make("option", { value: i }, nameOf(about, i))));
    this.#choose(undefined);
    this.list.replaceChildren();
    this.told.textContent = "";
    this.off.textContent = "";
  }

  get gate() {
    return this.tool.changes.gates[this.stage];
  }

  /** Mean activations of every stage, of `picture` with all channels on. They stay in their order while some are off. */
  strengths(values, picture) {
    if (picture !== this.of) this.order = undefined;
    this.of = picture;
    this.values = values;
    this.#list();
  }

  #list() {
    if (!this.values) return;
    const { about } = this.tool;
    const { channels } = about.stages[this.stage];
    const strengths = this.values[this.stage].subarray(0, channels);
    const fresh = !this.order;
    this.order ??= [...strengths.keys()].sort((a, b) => strengths[b] - strengths[a]).slice(0, SHOWN);
    const most = Math.max(1e-6, ...strengths);
    if (fresh || this.list.children.length !== this.order.length) {
      this.list.replaceChildren(...this.order.map((c, i) => make("button", {
        type: "button", class: "inside-channel", "data-channel": c, tabindex: i ? "-1" : "0", onclick: () => this.#press(c),
      }, make("span", { class: "inside-strength", "aria-hidden": "true" }), make("span", { class: "inside-number" }, String(c)))));
    }
    for (const button of this.list.children) {
      const c = Number(button.dataset.channel);
      button.style.setProperty("--strength", `${(100 * strengths[c]) / most}%`);
      button.setAttribute("aria-pressed", String(this.gate[c] > 0));
      button.setAttribute("aria-label", t("inside_channel", { n: c, strength: number(strengths[c], 2) }));
      button.classList.toggle("current", c === this.chosen);
    }
    const silent = strengths.reduce((sum, value) => sum + (value < 1e-6), 0);
    this.told.textContent = t("inside_shown", { shown: this.order.length, channels, silent });
    const n = this.gate.reduce((sum, value) => sum + (value === 0), 0);
    this.off.textContent = n ? t("inside_off", { n, channels, stage: nameOf(about, this.stage) }) : "";
  }

  #press(c) {
    this.gate[c] = this.gate[c] ? 0 : 1;
    this.#choose(c);
    this.#list();
    this.tool.paint();
  }

  #choose(c) {
    this.chosen = c;
    this.where.disabled = c === undefined;
    this.where.textContent = c === undefined ? t("inside_choose") : t("inside_strongest", { n: c });
  }

  #key(event) {
    const way = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const next = way && [...this.list.children].indexOf(event.target) + way;
    const button = way && this.list.children[next];
    if (!button) return;
    event.preventDefault();
    event.target.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
    button.focus();
  }

  #switchTop() {
    if (!this.order) return;
    for (const c of this.order.slice(0, TOP)) this.gate[c] = 0;
    this.#list();
    this.tool.paint();
  }

  #allOn() {
    for (const gate of this.tool.changes.gates) gate.fill(1);
    this.#list();
    this.tool.paint();
  }

  /** The samples in which the chosen channel is strongest: all strengths are looked at once for a model. */
  async #strongest() {
    const { lab, about } = this.tool;
    const [c, stage] = [this.chosen, this.stage];
    const samples = Array.from({ length: SAMPLES }, (_, seed) => ofSeed(about, seed));
    this.where.disabled = true;
    try {
      this.looked ??= await strengthsOf(lab, samples, (done) => {
        this.said.textContent = t("inside_looking", { done, of: SAMPLES });
        return this.tool.about === about && this.element.isConnected;
      }) ?? undefined;
    } catch (error) {
      this.said.textContent = sentence(error);
      return;
    } finally {
      this.where.disabled = false;
    }
    if (this.tool.about !== about) return;
    if (!this.looked) return this.forget(); // the tool was left meanwhile
    const { channels } = about.stages[stage];
    const strength = (i) => this.looked[stage][i * channels + c];
    const best = [...samples.keys()].sort((a, b) => strength(b) - strength(a)).slice(0, BEST);
    this.said.textContent = t("inside_strongest_are", { of: SAMPLES, n: c, stage: nameOf(about, stage) });
    this.found.replaceChildren(...best.map((i) => tile(lab, samples[i], `${t("seed_is", { seed: i })} · ${number(strength(i), 2)}`, (chosen) => lab.take(chosen))));
  }
}

/** "4×4: shape and pose"; in an mlp, which has no places, "Layer 1: ...". */
function nameOf({ stages, nc }, i) {
  const share = stages.length > 1 ? i / (stages.length - 1) : 1;
  const last = nc === 1 ? "inside_fine_grey" : "inside_fine";
  const what = t(share === 1 ? last : share > 0.5 ? "inside_detail" : i ? "inside_middle" : "inside_coarse");
  const { side } = stages[i];
  return side === 1 ? t("inside_stage_flat", { n: i + 1, what }) : t("inside_stage", { side, what });
}

/** How far each pixel is off, from black (not at all) to white (`most`, of 255). */
function apart(one, other) {
  const image = new ImageData(one.width, one.height);
  const far = (p) => Math.max(...[0, 1, 2].map((c) => Math.abs(one.data[p + c] - other.data[p + c])));
  let most = 0;
  for (let p = 0; p < one.data.length; p += 4) most = Math.max(most, far(p));
  for (let p = 0; p < one.data.length; p += 4) {
    image.data.fill((255 * far(p)) / Math.max(1, most), p, p + 3);
    image.data[p + 3] = 255;
  }
  return { image, most };
}

const sentence = (error) => {
  if (error instanceof Said) return error.message;
  console.error(error);
  return t("went_wrong");
};
