// The laboratory: one picture in hand, the tools that move it, and the pictures at hand to start from.

import { hand as finger, make } from "../dom.js";
import { Said } from "../server.js";
import { lang, number, t } from "../text.js";
import { Arithmetic } from "./arithmetic.js";
import { Brush } from "./brush.js";
import { Check } from "./check.js";
import { Directions } from "./directions.js";
import { Find } from "./find.js";
import { aboutModel, site } from "./home.js";
import { Inside } from "./inside.js";
import { add, loudest, norm, ofSeed, point, scale } from "./latent.js";
import { addressOf, forget, latentOfAddress, remember } from "./links.js";
import { Mine, keep } from "./mine.js";
import { Paths } from "./paths.js";
import { fileName, hand, isOneHot, latentOf, npyOf, readRecipe, recipeOf, savePng } from "./recipe.js";
import { put } from "./tile.js";
import { Tray } from "./tray.js";
import { Walk } from "./walk.js";

const TOOLS = [Walk, Directions, Paths, Arithmetic, Inside, Find, Check, Mine]; // in this order
const JUDGED = 120; // ms between two opinions of D while the hand moves
const MOST_SEED = 2 ** 31 - 1;
const RESTED = 500; // ms until a newer snapshot asks again whether the hand rests

class GanLab extends HTMLElement {
  connectedCallback() {
    if (this.board) return;
    this.walked = 0;
    this.brush = new Brush();
    this.#build();
    new ResizeObserver(() => this.#seen()).observe(this);
    this.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files") && !event.defaultPrevented) event.preventDefault(); });
    this.addEventListener("drop", (event) => {
      if (event.defaultPrevented || !event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.restore(event.dataTransfer.files[0]);
    });
    if (site) this.controls(site.about.key);
    else studioArrived(this);
  }

  // where it stands

  connect(props) {
    this.props = props;
  }

  /** The model chooser, at the start and on every change. */
  controls(key) {
    if (!key || key === this.wanted) return;
    this.wanted = key;
    document.dispatchEvent(new CustomEvent("studio:explored", { detail: this })); // see following.js
    this.#seen();
  }

  /** The run that is open by its newest snapshot has a newer one: that takes over, as soon as the hand rests. */
  grown() {
    clearTimeout(this.growing);
    if (finger.moves) this.growing = setTimeout(() => this.grown(), RESTED);
    else {
      this.opening = undefined;
      this.#seen();
    }
  }

  /** Nothing is fetched before somebody looks. */
  #seen() {
    const shown = this.clientWidth > 0;
    if (shown !== this.shown) {
      this.shown = shown;
      if (shown) this.#remember();
      else if (this.about && !site) forget();
      if (this.failed) this.opening = undefined; // whoever comes back tries again
    }
    if (shown && this.wanted && this.wanted !== this.opening) this.#open(this.wanted);
  }

  async #open(key) {
    this.opening = key;
    this.failed = false;
    const grows = key === this.about?.key; // a run, while somebody looks at it: nothing jumps
    if (!grows) {
      this.#loading(0);
      this.say("");
    }
    try {
      const about = await aboutModel(key);
      if (this.opening !== key) return;
      await this.brush.open(about, (share) => { if (this.opening === key && !grows) this.#loading(share); });
      if (this.opening !== key) return;
      this.#ready(about);
    } catch (error) {
      if (this.opening !== key) return;
      this.failed = true;
      this.say(sentence(error), true);
    } finally {
      if (this.opening === key) this.#loading(null);
    }
  }

  #ready(about) {
    const before = this.about;
    this.about = about;
    let latent = ofSeed(about, 0);
    let wrong = "";
    try {
      if (!before) latent = latentOfAddress(about) ?? latent;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      wrong = t("lab_link_wrong", { why: error.message });
    }
    if (before && before.nz === about.nz && before.num_classes === about.num_classes && this.hand) latent = this.hand; // the same place in another model: a run grows
    this.thinking = false; // what was asked about the model before is never answered
    for (const tool of this.tools) tool.fresh = false;
    if (latent !== this.hand || before.key !== about.key) {
      this.hand = undefined;
      this.walked = 0;
    }
    this.board.classList.add("ready");
    this.take(latent);
    this.tray.model(before?.key === about.key);
    const asked = before ? null : new URL(location.href).searchParams.get("tool");
    this.show(this.tools.find(({ constructor: { toolName } }) => toolName === asked) ?? this.tool);
    if (!before) {
      const view = new URL(location.href).searchParams.get("view");
      try {
        if (view) this.tool.restore?.(view);
      } catch { /* a stranger's address: the tool stands as it begins */ }
    }
    if (this.brush.how.kind === "server") this.say(t("lab_by_server"));
    else if (wrong) this.say(wrong, true);
    this.brush.need("D").then(() => this.#judge()).catch((error) => console.error(error));
  }

  // the picture in hand

  /** Puts a latent into the hand: its picture and its facts follow at once. */
  take(latent) {
    if (this.hand) this.walked += norm(add(latent.z, this.hand.z, -1));
    this.hand = latent;
    this.brush.live(latent, (image, error) => {
      if (error) return this.say(sentence(error), true);
      this.image = image;
      put(this.canvas, image);
      this.canvas.dataset.painted = Number(this.canvas.dataset.painted ?? 0) + 1;
      return undefined;
    });
    this.#facts();
    if (this.tool?.fresh) this.tool.hand?.(latent);
    this.#remember();
    this.#judgeSoon();
  }

  #facts() {
    const { hand: { z, y, seed }, about } = this;
    const shell = Math.sqrt(about.nz);
    this.normFact.textContent = t("lab_norm", { norm: number(norm(z), 1), shell: number(shell, 1) });
    this.walkedFact.textContent = t("lab_walked", { walked: number(this.walked, 1) });
    const name = y && (isOneHot(y) ? about.classes[loudest(y)] : t("lab_between", { name: about.classes[loudest(y)], percent: number(100 * Math.max(...y)) }));
    this.nameFact.textContent = [seed == null ? t("lab_no_seed") : t("seed_is", { seed }), name].filter(Boolean).join(" · ");
    this.canvas.setAttribute("aria-label", t("lab_in_hand", { name: this.nameFact.textContent }));
  }

  #judgeSoon() {
    const now = performance.now();
    clearTimeout(this.judging);
    this.judging = setTimeout(() => this.#judge(), Math.max(0, JUDGED - (now - (this.judged ?? 0))));
  }

  async #judge() {
    const { about, hand: latent } = this;
    if (!about || this.thinking) return;
    this.thinking = true;
    this.judged = performance.now();
    try {
      const [logit] = await this.brush.opinions([latent]);
      if (about === this.about) this.#opinion(logit);
    } catch (error) {
      if (about !== this.about) return;
      console.error(error);
      this.meter.hidden = true;
      this.opinionFact.textContent = t("lab_no_opinion");
    } finally {
      this.thinking = false;
    }
    if (latent !== this.hand) this.#judgeSoon();
  }

  #opinion(logit) {
    const belief = 1 / (1 + Math.exp(-logit));
    this.meter.hidden = !this.about.believes;
    this.mark.style.left = `${belief * 100}%`;
    this.opinionFact.textContent = this.about.believes
      ? t("lab_belief", { percent: number(belief * 100, belief < 0.1 ? 1 : 0) })
      : t("lab_score", { score: logit.toLocaleString(lang, { maximumSignificantDigits: 3, signDisplay: "exceptZero" }) });
  }

  // the tools

  show(tool) {
    if (!tool) return;
    if (this.tool !== tool) {
      this.tool?.close?.();
      this.tool = tool;
      this.place.replaceChildren(tool.element);
      this.place.setAttribute("aria-label", t(tool.constructor.title));
      for (const other of this.tools) {
        const chosen = other === tool;
        other.tab.setAttribute("aria-selected", String(chosen));
        other.tab.setAttribute("tabindex", chosen ? "0" : "-1");
      }
      this.bench.scrollLeft = tool.tab.offsetLeft - this.bench.offsetLeft - 40; // on a phone the bar is longer than the screen
      this.lead.textContent = t(tool.constructor.lead);
    }
    if (!this.about) return;
    if (!tool.fresh) {
      tool.fresh = true;
      tool.model?.(this.about);
    }
    tool.open?.();
    tool.hand?.(this.hand);
    this.#remember();
  }

  #remember() {
    if (!this.shown || !this.about) return;
    remember(this.#state());
  }

  /** A tool's view has changed: the address will say so. */
  viewed() {
    this.#remember();
  }

  #state() {
    return { about: this.about, latent: this.hand, tool: this.tool?.constructor.toolName, view: this.tool?.fresh && this.tool.view?.() };
  }

  say(words, wrong = false) {
    this.message.textContent = words;
    this.message.classList.toggle("wrong", wrong);
  }

  // pictures that travel

  /** A latent as text: for whatever is dragged from one place to another. */
  write(latent) {
    return JSON.stringify(recipeOf(this.about, latent));
  }

  /** null, and a sentence, for what does not fit this model. */
  read(text) {
    try {
      return latentOf(this.about, JSON.parse(text));
    } catch {
      this.say(t("lab_other_model"), true);
      return null;
    }
  }

  pick(title) {
    return this.tray.pick(title);
  }

  /** A PNG that was saved here: its latent comes into the hand, with its model. */
  async restore(file) {
    try {
      const recipe = await readRecipe(file).catch(() => { throw new Said(t("lab_not_png", { name: file.name })); });
      if (!recipe) throw new Said(t("lab_no_recipe", { name: file.name }));
      await this.open(recipe, file.name);
    } catch (error) {
      this.say(sentence(error), true);
    }
  }

  /** Whatever knows its model and its z: a recipe. Opens the model, or the snapshot, first where it is another one. */
  async open(recipe, name) {
    try {
      const key = await this.#keyOf(recipe);
      if (key !== this.about.key) {
        if (this.props) this.props.value = { model: key, at: Date.now() };
        this.controls(key);
        await this.opened(key);
        if (this.about.key !== key) return; // why not has been said
      }
    } catch (error) {
      this.say(sentence(error), true);
      return;
    }
    try {
      this.take(latentOf(this.about, recipe));
      this.say(t("lab_restored", { name }));
    } catch {
      this.say(t("lab_other_model"), true);
    }
  }

  /** A run's snapshot as it was, if it is still there; else the run as it is now. */
  async #keyOf({ model, step }) {
    const { key } = this.about;
    if (site) return key;
    const ofRun = model.startsWith("run:") && Number.isSafeInteger(step);
    if (model === key.split("@")[0] && (!ofRun || step === this.about.step)) return key;
    if (!ofRun || (await aboutModel(model)).step === step) return model;
    const then = `${model}@${String(step).padStart(6, "0")}`;
    return aboutModel(then).then(() => then, () => model);
  }

  /** Resolves once that model is open, or has failed to. */
  async opened(key) {
    while (this.wanted === key && this.about?.key !== key && !this.failed) await new Promise((later) => setTimeout(later, 50));
  }

  /** From Generate: the model, and a latent of it. */
  async openFrom({ model, seed, truncation, label }) {
    if (this.about?.key !== model) {
      if (this.props) this.props.value = { model, at: Date.now() };
      this.controls(model);
      await this.opened(model);
    }
    if (this.about?.key !== model) return;
    const latent = ofSeed(this.about, seed, label);
    this.take(truncation === 1 ? latent : point(scale(latent.z, truncation), latent.y));
  }

  // how it looks

  #build() {
    this.canvas = make("canvas", { role: "img", class: "hand-picture", width: 64, height: 64 });
    this.message = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.progress = make("div", { class: "loading", hidden: true }, this.bar = make("progress", { max: 1, "aria-label": t("lab_loading") }), make("span", {}, t("lab_loading")));
    this.lead = make("p", { class: "lab-lead" });
    this.place = make("section", { class: "tool", role: "tabpanel" });
    this.tools = TOOLS.filter((Tool) => !site || Tool.anywhere !== false).map((Tool) => new Tool(this));
    this.bench = make("div", { class: "tools", role: "tablist", "aria-label": t("lab_tools") }, ...this.tools.map((tool) => this.#tab(tool)));
    this.bench.addEventListener("keydown", (event) => this.#alongTools(event));
    this.tray = new Tray(this);
    this.board = make("div", { class: "board" },
      make("div", { class: "hand" }, this.canvas, this.#words()),
      make("div", { class: "workplace" }, this.lead, this.place));
    this.replaceChildren(this.bench, this.progress, this.message, this.board, this.tray.element);
    this.show(this.tools[0]);
  }

  #tab(tool) {
    tool.tab = make("button", { type: "button", role: "tab", tabindex: "-1", onclick: () => this.show(tool) }, t(tool.constructor.title));
    return tool.tab;
  }

  #alongTools(event) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const next = this.tools.at((this.tools.indexOf(this.tool) + way) % this.tools.length);
    this.show(next);
    next.tab.focus();
  }

  #words() {
    this.nameFact = make("p", { class: "hand-name" });
    this.normFact = make("span", { class: "fact", title: t("lab_norm_why") });
    this.walkedFact = make("span", { class: "fact" });
    this.opinionFact = make("span", { class: "fact" });
    this.mark = make("div", { class: "mark" });
    this.meter = make("div", { class: "meter", "aria-hidden": "true", hidden: true }, make("span", { class: "fake" }, "✕"), make("div", { class: "track" }, this.mark), make("span", { class: "real" }, "✓"));
    this.seed = make("input", { type: "number", min: 0, max: MOST_SEED, step: 1, inputmode: "numeric", "aria-label": t("lab_seed"), placeholder: t("lab_seed") });
    this.seed.addEventListener("keydown", (event) => { if (event.key === "Enter") this.#bySeed(); });
    this.file = make("input", { type: "file", accept: "image/png", hidden: true, onchange: () => { const [file] = this.file.files; this.file.value = ""; if (file) this.restore(file); } });
    const button = (key, onclick, kind = "plain") => make("button", { type: "button", class: kind, onclick }, t(key));
    return make("div", { class: "hand-words" },
      this.nameFact,
      make("div", { class: "facts" }, this.normFact, this.walkedFact, this.opinionFact),
      this.meter,
      make("div", { class: "bar" },
        button("lab_surprise", () => this.take(ofSeed(this.about, Math.floor(Math.random() * 1_000_000)))),
        button("lab_keep", () => this.#keep()),
        button("lab_link", () => this.#link())),
      make("details", { class: "more" }, make("summary", {}, t("lab_more")),
        make("div", { class: "bar" }, this.seed,
          button("lab_go_seed", () => this.#bySeed()),
          button("lab_png", () => this.#saved(savePng(this, this.hand))),
          button("lab_npy", () => hand(npyOf(this.hand.z), `${fileName(this.about)}-z.npy`)),
          button("lab_json", () => hand(new Blob([JSON.stringify({ ...recipeOf(this.about, this.hand), z: [...this.hand.z], ...(this.hand.y && { y: [...this.hand.y] }) }, null, 1)], { type: "application/json" }), `${fileName(this.about)}-z.json`)),
          button("lab_restore", () => this.file.click()), this.file)),
      this.#speed());
  }

  #speed() {
    const words = make("p", { class: "fact", role: "status" });
    const details = make("details", { class: "more speed" }, make("summary", {}, t("lab_speed")), words);
    const tell = () => {
      const { kind, ms, fps } = this.brush.how ?? {};
      words.textContent = kind ? t(`lab_speed_${kind}`, { ms: number(ms, 1), fps }) : "";
    };
    details.addEventListener("toggle", () => {
      clearInterval(this.telling);
      if (!details.open) return;
      tell();
      this.telling = setInterval(tell, 500);
    });
    return details;
  }

  #loading(share) {
    this.progress.hidden = share === null;
    if (share === null || share === 0) this.bar.removeAttribute("value");
    else this.bar.value = share;
  }

  #bySeed() {
    const seed = Number(this.seed.value);
    if (this.seed.value === "" || !Number.isInteger(seed) || seed < 0 || seed > MOST_SEED) return this.say(t("keyframe_seed", { high: number(MOST_SEED) }), true);
    this.say("");
    return this.take(ofSeed(this.about, seed));
  }

  async #keep() {
    const kept = await keep(this, this.hand);
    this.say(t(kept ? "lab_kept" : "lab_not_kept"), !kept);
    if (kept) this.tray.kept();
  }

  async #link() {
    const href = addressOf(this.#state());
    try {
      await navigator.clipboard.writeText(href);
      this.say(t("lab_link_copied"));
    } catch { // no permission, or no https
      this.say(t("lab_link_is", { href }));
    }
  }

  async #saved(saving) {
    try {
      await saving;
      this.say(t("png_came"));
    } catch (error) {
      this.say(sentence(error), true);
    }
  }
}

export const sentence = (error) => (error instanceof Said ? error.message : (console.error(error), t("went_wrong")));

customElements.define("gan-lab", GanLab);
