// Generate: a sheet of pictures that follows the controls, and one of them enlarged.

import { iconButton, make } from "./dom.js";
import { Follower } from "./follower.js";
import { live } from "./live.js";
import { ask, askSprite, download, latest, Said } from "./server.js";
import { draw, fit, pixels } from "./sprite.js";
import { openTab } from "./tabs.js";
import { lang, number, t } from "./text.js";

const GAP = 2; // CSS pixels between pictures
const PICKLES = /\.(pt|pth|bin|ckpt|pkl|pickle)$/i;
const RECIPE_MB = 16;
const KEPT = "studio.generate"; // what the controls stand at, for the reload that a change of language takes

class GanGenerate extends HTMLElement {
  connectedCallback() {
    if (this.sheet) return;
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.cells = make("div", { class: "cells" });
    this.sheet = make("div", { class: "sheet", role: "group", "aria-label": t("sheet_label") }, this.canvas, this.cells);
    this.empty = make("p", { class: "empty" }, t("sheet_empty"));
    this.message = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.file = make("input", { type: "file", accept: "image/png", hidden: true, onchange: () => this.restore(this.file.files[0]) });
    this.crisp = make("input", { type: "checkbox", role: "switch", onchange: () => { pixels.crisp = this.crisp.checked; } });
    this.crisp.checked = pixels.crisp;
    this.enlarged = new Enlarged(this);
    this.replaceChildren(
      this.stage = make("div", { class: "stage", "data-drop": t("drop_here") }, this.empty, this.sheet),
      this.message,
      make("div", { class: "bar" },
        make("button", { type: "button", class: "plain", onclick: () => this.surprise() }, t("surprise")),
        make("button", { type: "button", class: "plain", onclick: (event) => this.zip(event.target) }, t("download_zip")),
        make("button", { type: "button", class: "plain", onclick: () => this.file.click() }, t("bring_back")),
        make("label", { class: "switch" }, this.crisp, t("crisp")),
        this.file,
      ),
      this.enlarged.dialog,
    );
    this.paint = latest((asked) => this.show(asked));
    this.newer = new Follower((step) => this.sprite?.step !== step && this.paint(this.asked));
    new ResizeObserver(() => this.lay()).observe(this.stage);
    document.addEventListener("studio:crisp", () => this.lay());
    live.addEventListener("runs", () => this.recaption());
    document.addEventListener("studio:open-model", ({ detail }) => this.openFrom(detail));
    document.addEventListener("studio:time", ({ detail }) => this.inTime(detail));
    this.cells.addEventListener("click", (event) => this.enlarge(event.target));
    this.cells.addEventListener("keydown", (event) => this.move(event));
    catchDrops(this);
    studioArrived(this);
  }

  /** Gradio's end of the line: what is put into props.value reaches the controls. */
  connect(props) {
    this.props = props;
  }

  tell(settings) {
    if ("label" in settings) this.labelOf = settings.model;
    this.props.value = { ...settings, at: Date.now() };
  }

  /** From a run: its model, with a latent of it in hand if one was. */
  openFrom({ model, seed, label }) {
    this.openedFrom = model.split("@")[0];
    this.tell({ model, ...(seed !== undefined && { seed }), ...(label >= 0 && { label }) });
  }

  /** The time line of the run that this was opened from has moved: the same latents, at that step. */
  inTime({ model }) {
    if (this.openedFrom === model.split("@")[0] && this.asked?.model.split("@")[0] === this.openedFrom && this.asked.model !== model) this.tell({ model });
  }

  /** The controls as they stand; called at the start and on every change. */
  controls(model, seed, n, truncation, label) {
    if (label >= 0 && this.asked && this.asked.model !== model && this.labelOf !== model) {
      this.tell({ label: -1 }); // it was chosen for another model
      return;
    }
    const asked = { model, seed: Math.round(seed ?? 0), n, truncation, label: label ?? -1 };
    if (!model || JSON.stringify(asked) === JSON.stringify(this.asked)) return;
    this.asked = asked;
    this.newer.follow(model);
    try { sessionStorage.setItem(KEPT, JSON.stringify(asked)); } catch { /* a private window */ }
    this.paint(asked);
  }

  async show(asked) {
    this.classList.add("busy");
    try {
      this.sprite = await askSprite("sheet", asked);
      this.shown = asked;
      this.say("");
      this.caption();
      this.lay();
    } catch (error) {
      this.say(sentence(error), true);
    } finally {
      this.classList.remove("busy");
    }
  }

  say(words, wrong = false) {
    this.message.textContent = words;
    this.message.classList.toggle("wrong", wrong);
  }

  /** Is it still growing? Runs begin and end while their pictures are looked at. */
  recaption() {
    if (this.sprite && this.captioned && this.message.textContent === this.captioned) this.caption();
  }

  caption() {
    const { name, step, size } = this.sprite;
    this.sheet.setAttribute("aria-label", t("sheet_label_of", { n: this.sprite.n, name }));
    const growing = live.cards.some((card) => `run:${card.name}` === this.shown.model && card.state === "running");
    if (step == null) return;
    this.captioned = t(growing ? "sheet_live" : "sheet_step", { name, step: number(step), size });
    this.say(this.captioned);
  }

  /** The fewest columns with which all rows fit into what is seen at once; they fill the width. */
  lay() {
    const width = this.sheet.clientWidth;
    if (!this.sprite || !width) return;
    const { n } = this.sprite;
    const room = innerHeight * (innerWidth < 640 ? 0.46 : 0.68);
    let columns = 1;
    while (columns < n && Math.ceil(n / columns) * (width / columns) > room) columns++;
    Object.assign(this, { columns, side: width / columns });
    this.empty.hidden = true;
    this.draw(width, Math.ceil(n / columns));
    this.fill(n);
  }

  draw(width, rows) {
    const context = fit(this.canvas, width, rows * this.side);
    const ratio = context.canvas.width / width;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    const at = (k) => Math.round(k * this.side * ratio);
    const gap = Math.round(GAP * ratio);
    for (let i = 0; i < this.sprite.n; i++) {
      const [c, r] = [i % this.columns, Math.floor(i / this.columns)];
      draw(context, this.sprite, i, at(c), at(r), at(c + 1) - at(c) - gap, at(r + 1) - at(r) - gap);
    }
  }

  /** A button over each picture. */
  fill(n) {
    this.cells.style.gridTemplateColumns = `repeat(${this.columns}, 1fr)`;
    while (this.cells.children.length > n) this.cells.lastChild.remove();
    while (this.cells.children.length < n) {
      this.cells.append(make("button", { type: "button", class: "cell", tabindex: "-1", "aria-haspopup": "dialog" }));
    }
    [...this.cells.children].forEach((cell, i) => {
      cell.setAttribute("aria-label", t("picture_of_seed", { seed: this.shown.seed + i }));
      cell.style.height = `${this.side}px`;
    });
    if (!this.cells.querySelector("[tabindex='0']")) this.cells.firstChild?.setAttribute("tabindex", "0");
  }

  enlarge(cell) {
    const i = [...this.cells.children].indexOf(cell);
    if (i >= 0) this.enlarged.open(i);
  }

  move(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    const cells = [...this.cells.children];
    const here = cells.indexOf(event.target);
    let next = here + (steps[event.key] ?? NaN);
    if (event.key === "Home") next = 0;
    if (event.key === "End") next = cells.length - 1;
    if (!cells[next]) return;
    event.preventDefault();
    this.focusOn(next);
  }

  focusOn(i) {
    [...this.cells.children].forEach((cell, k) => cell.setAttribute("tabindex", k === i ? "0" : "-1"));
    this.cells.children[i]?.focus();
  }

  surprise() {
    this.tell({ seed: Math.floor(Math.random() * 1_000_000) });
  }

  async zip(button) {
    if (!this.shown) return;
    button.disabled = true;
    this.say(t("zip_coming", { n: this.shown.n }));
    try {
      await download("pictures.zip", this.shown);
      this.say(t("zip_came", { n: this.shown.n }));
    } catch (error) {
      this.say(sentence(error), true);
    } finally {
      button.disabled = false;
    }
  }

  /** A PNG that was saved here: its controls, and its picture. */
  async restore(file) {
    this.file.value = "";
    if (!file) return;
    try {
      if (PICKLES.test(file.name)) throw new Said(t("drop_pickle", { name: file.name }));
      if (file.size > RECIPE_MB * 2 ** 20) {
        throw new Said(t("too_large_file", { got: Math.round(file.size / 2 ** 20), limit: RECIPE_MB }));
      }
      const found = await ask("recipe", {}, { method: "POST", body: file });
      this.tell({ model: found.model, truncation: found.truncation, label: found.label ?? -1, ...(found.seed != null && { seed: found.seed }) });
      this.say(t("restored", { name: file.name }));
      await this.enlarged.openAlone(found);
    } catch (error) {
      this.say(sentence(error), true);
    }
  }
}

const score = (logit) => logit.toLocaleString(lang, { maximumSignificantDigits: 3, signDisplay: "exceptZero" });

const sentence = (error) => (error instanceof Said ? error.message : (console.error(error), t("went_wrong")));

/** One picture, large, with what D thinks of it. */
class Enlarged {
  constructor(page) {
    this.page = page;
    this.canvas = make("canvas", { role: "img" });
    this.title = make("h2", {});
    this.about = make("p", { class: "about" });
    this.mark = make("div", { class: "mark" });
    this.meter = make("div", { class: "meter", "aria-hidden": "true" },
      make("span", { class: "fake" }, `✕ ${t("fake")}`), make("div", { class: "track" }, this.mark), make("span", { class: "real" }, `✓ ${t("real")}`));
    this.opinion = make("p", { class: "opinion", "aria-live": "polite" });
    this.note = make("p", { class: "note" });
    this.said = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.send = make("button", { type: "button", class: "accent", onclick: () => this.keyframe() }, t("to_interpolate"));
    this.explore = make("button", { type: "button", class: "plain", onclick: () => this.walk() }, t("to_explore"));
    this.save = make("button", { type: "button", class: "plain", onclick: () => this.png() }, t("download_png"));
    this.before = iconButton("left", t("previous"), () => this.step(-1));
    this.after = iconButton("right", t("next"), () => this.step(1));
    this.dialog = make("dialog", { class: "enlarged", "aria-label": t("enlarged") },
      make("div", { class: "enlarged-picture" }, this.canvas),
      make("div", { class: "enlarged-words" },
        make("div", { class: "enlarged-head" }, this.title, this.before, this.after,
          iconButton("close", t("close"), () => this.dialog.close())),
        this.about, make("h3", {}, t("opinion")), this.meter, this.opinion, this.note,
        make("div", { class: "bar" }, this.send, this.explore, this.save), this.said),
    );
    this.dialog.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (way) { event.preventDefault(); this.step(way); }
    });
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
    this.dialog.addEventListener("close", () => { if (this.i != null) page.focusOn(this.i); });
    document.addEventListener("studio:crisp", () => this.draw());
    addEventListener("resize", () => this.draw());
  }

  async open(i) {
    this.alone = null;
    this.asked = this.page.shown;
    this.sprite = this.page.sprite;
    this.appear();
    this.go(i);
    await this.listen(this.asked);
  }

  /** The picture of a recipe: it may have no seed, and so no neighbours. */
  async openAlone(found) {
    const image = new Image();
    image.src = found.picture;
    await image.decode();
    this.alone = found;
    this.asked = { model: found.model, seed: found.seed, n: 1, truncation: found.truncation, label: found.label ?? -1 };
    const label = found.label == null ? null : [found.label];
    this.sprite = { bitmap: image, n: 1, columns: 1, size: image.width, name: found.name, step: found.step, classes: found.classes, labels: label };
    this.appear();
    this.go(0);
    if (found.seed != null) await this.listen(this.asked);
  }

  appear() {
    this.logits = null;
    if (!this.dialog.open) this.dialog.showModal();
  }

  go(i) {
    this.i = i;
    this.said.textContent = "";
    const { name, step, classes, labels, n } = this.sprite;
    const seed = this.asked.seed == null ? null : this.asked.seed + i;
    this.title.textContent = seed == null ? t("no_seed") : t("seed_is", { seed });
    const facts = [name, step == null ? null : t("step_is", { step: number(step) }), t("truncation_is", { truncation: number(this.asked.truncation, 2) }),
      labels ? t("class_is", { name: classes[labels[i]] }) : null];
    this.about.textContent = facts.filter(Boolean).join(" · ");
    this.canvas.setAttribute("aria-label", t("picture_of_seed", { seed: seed ?? "?" }));
    this.before.disabled = i === 0;
    this.after.disabled = i === n - 1;
    this.send.disabled = this.explore.disabled = this.save.disabled = seed == null;
    this.draw();
    this.judge();
  }

  step(way) {
    const i = this.i + way;
    if (i >= 0 && i < this.sprite.n) this.go(i);
  }

  draw() {
    if (!this.dialog.open) return;
    const side = Math.floor(Math.min(innerWidth < 640 ? innerWidth - 48 : innerWidth * 0.5, innerHeight * (innerWidth < 640 ? 0.5 : 0.74)));
    const context = fit(this.canvas, side, side);
    draw(context, this.sprite, this.i, 0, 0, context.canvas.width);
  }

  async listen(asked) {
    this.opinion.textContent = t("opinion_coming");
    try {
      const said = await ask("opinions", asked);
      if (asked !== this.asked) return;
      Object.assign(this, said);
      this.judge();
    } catch (error) {
      this.opinion.textContent = sentence(error);
    }
  }

  /** D's score as a belief where it is one; else as what it is. */
  judge() {
    this.meter.hidden = !(this.logits && this.believes);
    this.note.textContent = "";
    if (!this.logits) return;
    const logit = this.logits[this.i];
    const rank = this.logits.filter((other) => other > logit).length + 1;
    const among = this.logits.length > 1 ? t("opinion_rank", { rank, n: this.logits.length }) : "";
    if (this.believes) {
      const belief = 1 / (1 + Math.exp(-logit));
      this.mark.style.left = `${belief * 100}%`;
      this.opinion.textContent = `${t("opinion_belief", { percent: number(belief * 100, belief < 0.1 ? 1 : 0) })} ${among}`;
      this.note.textContent = t("opinion_note");
    } else {
      this.opinion.textContent = `${t("opinion_score", { score: score(logit) })} ${among}`;
      this.note.textContent = t(this.loss ? "opinion_score_note" : "opinion_unknown_note", { loss: this.loss });
    }
  }

  get one() {
    return { ...this.asked, seed: this.asked.seed + this.i, n: 1, label: this.sprite.labels ? this.sprite.labels[this.i] : -1 };
  }

  keyframe() {
    const { model, seed, truncation, label } = this.one;
    const sent = new CustomEvent("studio:keyframe", { detail: { model, seed, truncation, label } });
    document.dispatchEvent(sent);
    this.said.textContent = sent.detail.answer ?? "";
  }

  /** The same picture in Explore, to walk on from. */
  walk() {
    const { model, seed, truncation, label } = this.one;
    this.dialog.close();
    openTab("explore");
    studioCall("gan-lab", "openFrom", [{ model, seed, truncation, label }]);
  }

  async png() {
    try {
      await download("picture.png", this.one);
      this.said.textContent = t("png_came");
    } catch (error) {
      this.said.textContent = sentence(error);
    }
  }
}

/** A file dropped anywhere on the page while Generate is in front. */
function catchDrops(page) {
  const ours = (event) => page.sheet.offsetParent && event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!ours(event)) return;
    event.preventDefault();
    page.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) page.classList.remove("dropping"); });
  document.addEventListener("drop", (event) => {
    page.classList.remove("dropping");
    if (!ours(event)) return;
    event.preventDefault();
    page.restore(event.dataTransfer.files[0]);
  });
}

customElements.define("gan-generate", GanGenerate);
