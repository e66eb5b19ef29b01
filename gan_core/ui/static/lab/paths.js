// The interpolation laboratory: three ways between the same pictures, under one hand, with their curves, and as films.

import { face, iconButton, make } from "../dom.js";
import { Films, Print } from "../films.js";
import { latest, Said } from "../server.js";
import { number, t } from "../text.js";
import { site } from "./home.js";
import { grown, norm, ofSeed, PATHS, posted } from "./latent.js";
import { ofSeeds, seedsOf } from "./links.js";
import { colours, plot, shareOf, short } from "./plot.js";
import { fileName, hand as save } from "./recipe.js";
import { dropTarget, put, tile } from "./tile.js";
import { latentAt, retime, valueAt, walkTimes } from "./timing.js";

const MOST = 8; // keyframes
const START = [11, 2]; // seeds of the first two: unlike each other in every shipped model
const NAMES = Object.keys(PATHS); // lerp, slerp, matched
const CURVES = ["norm", "opinion", "speed"];
const COLOURS = { norm: "--G", opinion: "--D", speed: "--accent" };
const PER_SEGMENT = 24; // pictures that D looks at between two keyframes, to measure
const MEASURED = [48, 120]; // at least and at most
const AT_ONCE = 6; // pictures judged between two drawings of the curves
const MOST_FRAMES = 240; // as in gan_core/ui/films.py
const SPEEDS = [6, 12, 24, 48]; // frames a second
const CACHE = 32e6; // numbers of pixels kept, all rows together
const PICTURE = 76; // CSS pixels of a picture of a strip, about

export class Paths {
  static toolName = "paths";
  static title = "paths_title";
  static lead = "paths_lead";

  constructor(lab) {
    this.lab = lab;
    this.keyframes = [];
    this.frame = 0;
    this.chosen = "slerp";
    this.generation = 0; // of what is measured: an older one gives up
    this.settings = { even: false, easing: "linear", loop: false, frames: 72, fps: 24 };
    this.rows = Object.fromEntries(NAMES.map((name) => [name, this.#row(name)]));
    this.say = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.list = make("ol", { class: "keyframes", "aria-label": t("keyframes") });
    this.verdict = make("p", { class: "paths-verdict", "aria-live": "polite" });
    this.element = make("section", { class: "paths" },
      this.#keyframesBox(),
      make("div", { class: "paths-screen" },
        make("div", { class: "paths-large", role: "radiogroup", "aria-label": t("paths_choose") }, ...NAMES.map((name) => this.rows[name].figure)),
        this.#transport()),
      this.#controls(),
      this.verdict,
      make("div", { class: "paths-rows" }, ...NAMES.map((name) => this.rows[name].element)),
      this.#export(),
      this.say);
    dropTarget(this.lab, this.element, (latent) => this.add(latent)); // all of it: the keyframes are far from the tray
    this.#choose(this.chosen);
    new ResizeObserver(() => this.#resized()).observe(this.element);
    new MutationObserver(() => this.#inked()).observe(document.body, { attributes: true, attributeFilter: ["class"] }); // dark or light
  }

  // what stands there

  #row(name) {
    const row = { name, pictures: [], cache: [], times: [], measured: null };
    row.canvas = make("canvas", { role: "img", "aria-label": t("paths_picture_of", { name: t(`paths_${name}`) }) });
    row.radio = make("input", { type: "radio", name: "paths-row", value: name, onchange: () => this.#choose(name) });
    row.figure = make("label", { class: "paths-figure" }, row.canvas, make("span", {}, row.radio, t(`paths_${name}`)));
    row.strip = make("div", { class: "paths-strip", role: "img", "aria-label": t("paths_strip_of", { name: t(`paths_${name}`) }) });
    row.mark = make("i");
    this.#scrubbed(row.strip, (event) => {
      const box = row.strip.getBoundingClientRect();
      return (event.clientX - box.left) / box.width;
    });
    row.charts = Object.fromEntries(CURVES.map((curve) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      const words = make("figcaption", {});
      this.#scrubbed(canvas, (event) => shareOf(canvas, event.clientX));
      return [curve, { canvas, words, element: make("figure", {}, words, make("div", { class: "paths-plot" }, canvas)) }];
    }));
    row.element = make("section", { class: "paths-row", "data-path": name },
      make("h3", {}, t(`paths_${name}`), make("small", {}, t(`paths_${name}_about`))),
      row.strip,
      make("div", { class: "paths-charts" }, ...CURVES.map((curve) => row.charts[curve].element)));
    return row;
  }

  #keyframesBox() {
    const fromHand = make("button", { type: "button", class: "plain", onclick: () => this.add(this.lab.hand) }, t("paths_add_hand"));
    const pick = make("button", { type: "button", class: "plain", onclick: () => this.#pick() }, t("paths_add"));
    return make("div", { class: "paths-keyframes" }, this.list, make("div", { class: "bar" }, pick, fromHand));
  }

  #transport() {
    this.playButton = iconButton("play", t("play"), () => this.toggle());
    this.scrub = make("input", { type: "range", min: 0, max: 1, step: 1, value: 0, "aria-label": t("paths_scrub") });
    this.scrub.addEventListener("input", () => { this.pause(); this.#go(Number(this.scrub.value)); });
    this.where = make("output", { class: "where" });
    return make("div", { class: "transport" }, this.playButton, this.scrub, this.where);
  }

  #controls() {
    this.even = make("input", { type: "checkbox", role: "switch", onchange: () => this.#set({ even: this.even.checked }) });
    return make("div", { class: "bar paths-controls" },
      make("label", { class: "switch", title: t("paths_even_about") }, this.even, t("paths_even")),
      make("button", { type: "button", class: "accent", onclick: () => this.lab.take(this.#latent(this.chosen)) }, t("paths_take")),
      this.#pace());
  }

  #pace() {
    const { settings } = this;
    const choice = (key, values, label, word) => {
      const select = make("select", {}, ...values.map((value) => make("option", { value, selected: value === settings[key] }, word(value))));
      select.addEventListener("change", () => this.#set({ [key]: typeof settings[key] === "number" ? Number(select.value) : select.value }));
      return [select, make("label", {}, make("span", {}, t(label)), select)];
    };
    const [easing, easingLabel] = choice("easing", ["linear", "smooth"], "easing", (value) => t(`easing_${value}`));
    const [, fpsLabel] = choice("fps", SPEEDS, "speed", (fps) => t("fps", { fps }));
    const frames = make("input", { type: "number", min: 2, max: MOST_FRAMES, step: 1, value: settings.frames, inputmode: "numeric" });
    frames.addEventListener("change", () => {
      frames.value = Math.round(Math.min(MOST_FRAMES, Math.max(this.keyframes.length, Number(frames.value) || settings.frames)));
      this.#set({ frames: Number(frames.value) });
    });
    const loop = this.loop = make("input", { type: "checkbox", role: "switch", onchange: () => this.#set({ loop: loop.checked }) });
    this.easing = easing;
    return make("details", { class: "paths-pace" },
      make("summary", {}, t("paths_pace")),
      make("div", { class: "bar" }, easingLabel,
        make("label", {}, make("span", {}, t("frames")), frames), fpsLabel,
        make("label", { class: "switch" }, loop, t("loop"))));
  }

  #export() {
    this.print = new Print();
    this.strip = make("button", { type: "button", class: "plain", onclick: () => this.#saveStrip() }, t("paths_strip_png"));
    const asked = () => {
      if (this.keyframes.length < 2) return t("paths_empty");
      const frames = Array.from(this.rows[this.chosen].times, (_, i) => this.#latent(this.chosen, i));
      return ["lab/film", {}, { model: this.lab.about.key, ...posted(frames), ...this.print.asked, fps: this.settings.fps }];
    };
    this.films = new Films(asked, (words, wrong) => this.#tell(words, wrong));
    this.films.buttons.append(this.strip);
    if (site) this.films.buttons.replaceChildren(this.strip);
    this.exported = make("h3", {});
    return make("div", { class: "paths-export" }, this.exported, this.films.buttons, this.print.element, this.films.bar);
  }

  #tell(words, wrong = false) {
    this.say.textContent = words;
    this.say.classList.toggle("wrong", wrong);
  }

  // the laboratory's side

  open() {
    this.shown = true;
    if (this.stale) this.#changed();
    else if (!this.measuredAll) this.#measure();
    this.#resized();
  }

  close() {
    this.shown = false;
    this.generation++;
    this.pause();
  }

  model(about) {
    const seeds = this.about && this.keyframes.every(({ seed }) => seed != null) ? this.keyframes.map(({ seed }) => seed) : START;
    if (!grown(this.about, about)) {
      this.keyframes = seeds.map((seed) => ofSeed(about, seed));
      this.frame = 0;
    }
    this.about = about;
    this.paint = latest(() => this.#paintNow()); // what was painted with the model before may never end
    this.print.sized(about.size);
    this.stale = true;
    if (this.shown) this.#changed();
  }

  /** Keyframes by their seeds, the chosen path, and how it is walked. */
  view() {
    const seeds = seedsOf(this.keyframes);
    return seeds && [seeds, this.chosen, this.settings.even && "even", this.settings.loop && "loop"].filter(Boolean).join(";");
  }

  restore(view) {
    const [seeds, ...words] = view.split(";");
    const keyframes = ofSeeds(this.about, seeds);
    if (keyframes.length < 2 || keyframes.length > MOST) return;
    this.keyframes = keyframes;
    for (const name of ["even", "loop"]) this[name].checked = this.settings[name] = words.includes(name);
    this.easing.disabled = this.settings.even;
    this.#choose(NAMES.find((name) => words.includes(name)) ?? this.chosen);
    this.#changed();
  }

  // keyframes

  async #pick() {
    const latent = await this.lab.pick(t("paths_pick"));
    if (latent) this.add(latent);
  }

  add(latent) {
    if (!latent) return;
    if (this.keyframes.length >= MOST) return this.#tell(t("paths_full", { most: MOST }), true);
    this.keyframes.push(latent);
    this.#tell("");
    this.#changed();
  }

  #move(i, way, button) {
    const j = i + way;
    if (j < 0 || j >= this.keyframes.length) return;
    [this.keyframes[i], this.keyframes[j]] = [this.keyframes[j], this.keyframes[i]];
    this.#changed();
    const moved = this.list.children[j]; // the focus goes with it
    (moved.querySelector(`.${button}:not(:disabled)`) ?? moved.querySelector("button")).focus();
  }

  #remove(i) {
    if (this.keyframes.length <= 2) return this.#tell(t("paths_two"), true);
    this.keyframes.splice(i, 1);
    this.#changed();
    this.list.children[Math.min(i, this.keyframes.length - 1)].querySelector("button").focus();
  }

  #listed() {
    const last = this.keyframes.length - 1;
    this.list.replaceChildren(...this.keyframes.map((latent, i) => make("li", {},
      tile(this.lab, latent, t("paths_keyframe", { i: i + 1 }), () => { this.pause(); this.#go(this.#frameOf(i)); }),
      make("span", { class: "seed" }, latent.seed == null ? t("paths_point", { i: i + 1 }) : t("seed_short", { seed: latent.seed })),
      make("span", { class: "moves" },
        iconButton("left", t("earlier", { i: i + 1 }), () => this.#move(i, -1, "before"), { class: "icon-button before", disabled: i === 0 }),
        iconButton("right", t("later", { i: i + 1 }), () => this.#move(i, 1, "after"), { class: "icon-button after", disabled: i === last }),
        iconButton("close", t("remove", { i: i + 1 }), () => this.#remove(i))))));
  }

  // time

  #set(values) {
    Object.assign(this.settings, values);
    this.easing.disabled = this.settings.even;
    this.lab.viewed();
    if ("fps" in values) return;
    this.#timed();
    this.#measure();
  }

  /** Other keyframes: everything anew. */
  #changed() {
    this.stale = false;
    this.settings.frames = Math.max(this.settings.frames, this.keyframes.length);
    for (const row of Object.values(this.rows)) row.paced = null;
    this.lab.viewed();
    this.#listed();
    this.#timed();
    this.#measure();
  }

  /** When each row looks at its path. */
  #timed() {
    const { frames, loop, even } = this.settings;
    const easing = even ? "linear" : this.settings.easing;
    const plain = walkTimes(this.keyframes.length, frames, loop, easing);
    for (const row of Object.values(this.rows)) {
      row.times = even && row.paced?.loop === loop ? retime(row.paced.apart, frames, loop) : plain;
      row.cache = [];
    }
    this.scrub.max = frames - 1;
    this.#strips();
    this.#go(Math.min(this.frame, frames - 1));
  }

  #latent(name, frame = this.frame) {
    return latentAt(this.keyframes, this.rows[name].times[frame], name, this.settings.loop);
  }

  /** The frame of the chosen row at which keyframe i is met. */
  #frameOf(i) {
    const { loop } = this.settings;
    const time = i / (loop ? this.keyframes.length : this.keyframes.length - 1);
    const { times } = this.rows[this.chosen];
    return times.reduce((best, at, k) => (Math.abs(at - time) < Math.abs(times[best] - time) ? k : best), 0);
  }

  // the hand

  #scrubbed(element, share) {
    const move = (event) => {
      this.pause();
      this.#go(Math.round(Math.min(1, Math.max(0, share(event))) * (this.settings.frames - 1)));
    };
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      move(event);
    });
    element.addEventListener("pointermove", (event) => { if (element.hasPointerCapture(event.pointerId)) move(event); });
  }

  #go(frame) {
    this.frame = frame;
    this.scrub.value = frame;
    const words = t("frame_of", { frame: frame + 1, n: this.settings.frames });
    this.where.textContent = this.scrub.ariaValueText = words;
    for (const row of Object.values(this.rows)) row.mark.style.left = `${(100 * frame) / (this.settings.frames - 1)}%`;
    this.#curves();
    this.paint();
  }

  async #paintNow() {
    if (!this.keyframes.length) return;
    const { frame, lab: { brush } } = this;
    const rows = Object.values(this.rows);
    const missing = rows.filter((row) => !row.cache[frame]);
    const caches = missing.map((row) => row.cache);
    const images = missing.length ? await brush.paint(missing.map((row) => this.#latent(row.name, frame))) : [];
    const shown = new Map(missing.map((row, k) => [row, images[k]]));
    if (this.#keeps) missing.forEach((row, k) => { if (row.cache === caches[k]) row.cache[frame] = images[k]; });
    for (const row of rows) put(row.canvas, shown.get(row) ?? row.cache[frame] ?? images[0]);
    this.element.dataset.frame = frame;
  }

  get #keeps() {
    return NAMES.length * this.settings.frames * this.about.size ** 2 < CACHE;
  }

  /** Paints what a hand may come to, once there is nothing more urgent. */
  async #ahead(generation) {
    for (let frame = 0; this.#keeps && frame < this.settings.frames; frame++) {
      for (const row of Object.values(this.rows)) {
        if (row.cache[frame]) continue;
        const { cache } = row;
        const [image] = await this.lab.brush.paint([this.#latent(row.name, frame)]);
        if (generation !== this.generation || cache !== row.cache) return;
        cache[frame] = image;
      }
    }
  }

  toggle() {
    if (this.playing) return this.pause();
    this.playing = true;
    face(this.playButton, "pause", t("pause"));
    let [before, at] = [performance.now(), this.frame];
    const tick = (now) => {
      if (!this.playing) return;
      const { frames, fps } = this.settings;
      at = (at + (Math.min(Math.max(0, now - before), 250) / 1000) * fps) % frames; // the first frame may have begun before the click
      before = now;
      if (Math.floor(at) !== this.frame) this.#go(Math.floor(at));
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    this.playing = false;
    face(this.playButton, "play", t("play"));
  }

  #choose(name) {
    this.chosen = name;
    for (const row of Object.values(this.rows)) {
      row.radio.checked = row.name === name;
      for (const element of [row.figure, row.element]) element.classList.toggle("chosen", row.name === name);
    }
    this.exported.textContent = t("paths_export", { name: t(`paths_${name}`) });
    this.lab.viewed();
  }

  // the strips

  get #fitting() {
    return Math.min(12, Math.max(6, Math.floor(this.element.clientWidth / PICTURE)));
  }

  #resized() {
    if (!this.element.clientWidth) return this.pause(); // the page shows another tab
    if (!this.shown || this.stale) return;
    if (this.fitted !== this.#fitting) this.#strips();
    this.#inked();
  }

  /** What a drawing needs of the page, read when it may have changed: at every move it would cost more than the drawing. */
  #inked() {
    this.ink = colours(this.element, ...Object.values(COLOURS));
    this.plotted = this.rows.lerp.charts.norm.canvas.parentElement.clientWidth;
    this.#curves();
  }

  #strips() {
    if (!this.element.clientWidth) this.fitted = undefined; // to be painted when it is seen again
    if (!this.shown || !this.keyframes.length || !this.element.clientWidth) return;
    const n = this.fitted = this.#fitting;
    for (const row of Object.values(this.rows)) {
      if (row.pictures.length !== n) {
        row.pictures = Array.from({ length: n }, () => make("canvas"));
        row.strip.replaceChildren(...row.pictures, row.mark);
      }
      const { pictures, times } = row;
      const frames = pictures.map((_, i) => Math.round((i / (n - 1)) * (times.length - 1)));
      this.lab.brush.paint(frames.map((frame) => this.#latent(row.name, frame))).then((images) => {
        if (row.pictures !== pictures || row.times !== times) return;
        images.forEach((image, i) => put(pictures[i], image));
        row.images = images;
      });
    }
  }

  async #saveStrip() {
    const { images } = this.rows[this.chosen];
    if (!images) return;
    const { size } = this.about;
    const { scale, smooth } = this.print.asked;
    const side = size * scale;
    const whole = Object.assign(document.createElement("canvas"), { width: side * images.length, height: side });
    const one = Object.assign(document.createElement("canvas"), { width: size, height: size });
    const context = whole.getContext("2d");
    context.imageSmoothingEnabled = Boolean(smooth);
    context.imageSmoothingQuality = "high";
    images.forEach((image, i) => {
      one.getContext("2d").putImageData(image, 0, 0);
      context.drawImage(one, i * side, 0, side, side);
    });
    save(await new Promise((keep) => whole.toBlob(keep, "image/png")), `${fileName(this.about)}-${this.chosen}.png`);
    this.#tell(t("paths_strip_saved", { n: images.length }));
  }

  // the curves

  /** Looks at each row as its film shows it: first in plain time, which even speed needs, then as it is re-timed. */
  async #measure() {
    if (!this.shown || !this.keyframes.length) return;
    const generation = ++this.generation;
    const { loop, even, easing } = this.settings;
    const segments = loop ? this.keyframes.length : this.keyframes.length - 1;
    const count = Math.max(MEASURED[0], Math.min(MEASURED[1], PER_SEGMENT * segments)) + 1;
    const plain = Float64Array.from({ length: count }, (_, i) => i / (count - 1));
    for (const row of Object.values(this.rows)) row.measured = null;
    this.measuredAll = false;
    delete this.element.dataset.measured;
    this.#told();
    try {
      for (const row of Object.values(this.rows)) {
        if (even && row.paced?.loop !== loop) {
          row.paced = { ...(await this.#look(row, plain, generation)), loop };
          this.#timed();
        }
        const times = even ? retime(row.paced.apart, count) : easing === "smooth" ? walkTimes(segments + 1, count, false, easing) : plain;
        const measured = await this.#look(row, times, generation, true);
        if (times === plain) row.paced = { ...measured, loop };
        this.#told();
      }
      this.measuredAll = true;
      this.element.dataset.measured = generation;
      await this.#ahead(generation);
    } catch (error) {
      if (error !== GIVEN_UP) {
        if (!(error instanceof Said)) console.error(error);
        this.#tell(error instanceof Said ? error.message : t("went_wrong"), true);
      }
    }
  }

  /** Norm, D's score and the change from picture to picture, at these times of one row; seen as they come. */
  async #look(row, times, generation, seen = false) {
    const latents = Array.from(times, (time) => latentAt(this.keyframes, time, row.name, this.settings.loop));
    const found = { count: times.length, norm: latents.map(({ z }) => norm(z)), opinion: [], apart: [] };
    if (seen) row.measured = found;
    for (let i = 0; i < latents.length; i += AT_ONCE) {
      const { logits, apart } = await this.lab.brush.judge(latents.slice(Math.max(0, i - 1), i + AT_ONCE));
      if (generation !== this.generation) throw GIVEN_UP;
      found.opinion.push(...logits.slice(i ? 1 : 0));
      found.apart.push(...apart);
      if (seen) this.#told();
    }
    return found;
  }

  /** The change of the picture for a tenth of the film, so that many measures and few compare. */
  #curveOf({ count, norm: norms, opinion, apart }, curve) {
    if (curve === "norm") return norms;
    if (curve === "opinion") return opinion;
    const speeds = apart.map((distance) => (distance * (count - 1)) / 10);
    return speeds.length ? [speeds[0], ...speeds] : [];
  }

  #told() {
    this.#curves();
    this.verdict.textContent = this.#sentence();
  }

  /** Once for a frame of the screen, however often it is asked for. */
  #curves() {
    this.due ??= requestAnimationFrame(() => {
      this.due = undefined;
      this.#draw();
    });
  }

  #draw() {
    if (!this.shown || this.stale || !this.ink) return;
    const rows = Object.values(this.rows);
    const { frames, loop } = this.settings;
    const at = this.frame / (frames - 1);
    for (const curve of CURVES) {
      const all = rows.map((row) => (row.measured ? this.#curveOf(row.measured, curve) : []));
      const range = this.#rangeOf(curve, all.flat());
      rows.forEach((row, k) => {
        const { canvas, words } = row.charts[curve];
        const values = all[k];
        const marks = this.keyframes.map((_, i) => ({ at: this.#frameShare(row, i), text: i ? String(i + 1) : t("paths_axis") }));
        if (loop) marks.push({ at: 1, text: "1" });
        plot(canvas, { width: this.plotted, ink: this.ink, values, count: row.measured?.count ?? 2, colour: COLOURS[curve], range, marks, at, ...this.#sense(curve) });
        const text = this.#caption(curve, values, at, row.measured?.count);
        if (words.textContent !== text) words.textContent = text;
      });
    }
  }

  #rangeOf(curve, values) {
    const shell = Math.sqrt(this.about?.nz ?? 100);
    const known = curve === "norm" ? [...values, shell + 2.4, shell - 2.4] : values.length ? values : [0, 1];
    const [low, high] = [Math.min(...known), Math.max(...known)];
    if (curve === "speed") return [0, 1.08 * (high || 1)];
    const room = 0.08 * (high - low || 1);
    return [curve === "norm" ? Math.max(0, low - room) : low - room, high + room];
  }

  /** The shell in which nearly all of N(0, I) lies, three standard deviations (of 1/sqrt(2)) about sqrt(nz); where D says neither. */
  #sense(curve) {
    const shell = Math.sqrt(this.about?.nz ?? 100);
    if (curve === "norm") return { band: [shell - 3 * Math.SQRT1_2, shell + 3 * Math.SQRT1_2] };
    return curve === "opinion" && this.about?.believes ? { level: 0 } : {};
  }

  #frameShare(row, i) {
    const { loop, frames } = this.settings;
    const wanted = i / (loop ? this.keyframes.length : this.keyframes.length - 1);
    const at = row.times.findIndex((time) => time >= wanted - 1e-9);
    return (at < 0 ? frames - 1 : at) / (frames - 1);
  }

  #caption(curve, values, at, count) {
    if (!values.length) return `${t(`paths_curve_${curve}`)} …`;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const range = high - low;
    const now = values.length === count ? short(valueAt(values, at), range) : "…";
    return t(`paths_curve_${curve}_is`, { low: short(low, range), high: short(high, range), now });
  }

  /** What there is to be seen. */
  #sentence() {
    const { lerp, slerp, matched } = this.rows;
    if (!lerp.measured || !matched.measured) return t("paths_measuring");
    const norms = lerp.measured.norm;
    const lowest = norms.indexOf(Math.min(...norms));
    const due = (i) => valueAt(matched.measured.norm, i / (norms.length - 1));
    const loss = 1 - norms[lowest] / due(lowest);
    const shorter = t("paths_shorter", { percent: number(100 * loss), norm: short(norms[lowest], 5), shell: short(Math.sqrt(this.about.nz), 5) });
    if (!slerp.measured || slerp.measured.opinion.length < slerp.measured.count) return `${shorter} ${t("paths_measuring")}`;
    const middle = (row) => valueAt(row.measured.opinion, lowest / (norms.length - 1));
    const gap = middle(lerp) - middle(slerp);
    const likes = Math.abs(gap) < 0.1 ? t("paths_same") : t(gap < 0 ? "paths_less" : "paths_more", { gap: short(Math.abs(gap), 2) });
    const uneven = Object.values(this.rows).filter(({ measured }) => measured?.apart.length === measured?.count - 1).map(({ measured }) => unevenness(measured.apart));
    if (uneven.length < NAMES.length) return `${shorter} ${likes}`;
    return `${shorter} ${likes} ${t(this.settings.even ? "paths_pace_even" : "paths_pace_is", { low: short(Math.min(...uneven), 3), high: short(Math.max(...uneven), 3) })}`;
  }
}

const GIVEN_UP = new Error("other keyframes are measured now");

/** The fastest step as a multiple of the slowest, without the outermost twentieth on either side. */
export function unevenness(apart) {
  const sorted = [...apart].sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 20);
  return sorted[sorted.length - 1 - cut] / Math.max(sorted[cut], 1e-9);
}
