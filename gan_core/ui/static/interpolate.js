// Interpolate: keyframes in order, the film through them, and the film as a file.

import { face, iconButton, make, still } from "./dom.js";
import { Films, Print } from "./films.js";
import { Follower } from "./follower.js";
import { askSprite, latest, Said } from "./server.js";
import { draw, fit } from "./sprite.js";
import { number, t } from "./text.js";

const MOST = 8; // keyframes
const MOST_SEED = 2 ** 31 - 1;
const THUMB = 64; // CSS pixels
const SPEEDS = [6, 12, 24, 48]; // frames a second

/** The keyframes outlive the element: Gradio makes it when its tab is first opened. */
const film = {
  keyframes: [0, 1, 2].map((seed) => ({ seed, truncation: 1, label: -1 })), // so that there is something to see
  untouched: true,
  model: null, // of the last one that was sent
  page: null, // the element, once it is there

  get full() { return film.keyframes.length >= MOST; },

  add(keyframe) {
    if (this.untouched && keyframe.model) film.keyframes = [];
    film.untouched = false;
    film.keyframes.push({ truncation: 1, label: -1, ...keyframe });
    this.model = keyframe.model ?? this.model;
    this.page?.changed();
  },
};

document.addEventListener("studio:keyframe", (event) => {
  if (film.full) {
    event.detail.answer = t("keyframes_full", { most: MOST });
    return;
  }
  film.add(event.detail);
  const i = film.keyframes.length;
  event.detail.answer = t(i === 1 ? "keyframe_first" : "keyframe_sent", { i, most: MOST });
});

class GanInterpolate extends HTMLElement {
  connectedCallback() {
    if (this.stage) return;
    film.page = this;
    this.canvas = make("canvas", { role: "img" });
    this.empty = make("p", { class: "empty" }, t("film_empty"));
    this.stage = make("div", { class: "stage film" }, this.canvas, this.empty);
    this.message = make("p", { class: "message", role: "status", "aria-live": "polite" });
    this.list = make("ol", { class: "keyframes", "aria-label": t("keyframes") });
    this.seed = make("input", { type: "number", min: 0, max: MOST_SEED, step: 1, inputmode: "numeric", "aria-label": t("add_seed"), placeholder: t("add_seed") });
    this.seed.addEventListener("keydown", (event) => { if (event.key === "Enter") this.addSeed(); });
    const wanted = () => (film.keyframes.length < 2 ? t("film_empty") : ["film/make", { ...this.asked, ...this.print.asked, fps: this.speed.value }]);
    this.films = new Films(wanted, (words, wrong) => this.say(words, wrong));
    this.print = new Print();
    this.replaceChildren(
      make("div", { class: "screen" }, this.stage, this.transport()),
      make("div", { class: "cutting" },
        make("h3", {}, t("keyframes")),
        this.list,
        make("div", { class: "bar" }, this.seed,
          make("button", { type: "button", class: "plain", onclick: () => this.addSeed() }, t("add")),
          make("button", { type: "button", class: "plain", onclick: () => this.add(Math.floor(Math.random() * 1_000_000)) }, t("add_any"))),
        make("h3", {}, t("downloads")),
        this.films.buttons,
        this.print.element,
        this.films.bar,
        this.message),
    );
    this.load = latest((asked) => this.show(asked));
    this.newer = new Follower((step) => {
      if (this.sprite?.step === step) return;
      this.shown = undefined;
      this.changed();
    });
    this.playing = !still();
    new ResizeObserver(() => this.seen()).observe(this.stage);
    document.addEventListener("studio:crisp", () => this.draw());
    this.listed();
    studioArrived(this);
  }

  connect(props) {
    this.props = props;
    this.follow();
  }

  /** A keyframe that was sent brings its model along. */
  follow() {
    if (film.model && this.props && film.model !== this.settings?.model) this.props.value = { model: film.model, at: Date.now() };
    if (this.props) film.model = null;
  }

  controls(model, method, easing, frames, loop) {
    if (!model) return;
    this.settings = { model, method, easing, frames, loop: loop ? 1 : 0 };
    this.newer.follow(model);
    this.changed();
  }

  transport() {
    this.button = iconButton("pause", t("pause"), () => this.toggle());
    this.scrub = make("input", { type: "range", min: 0, max: 1, step: 1, value: 0, "aria-label": t("scrub") });
    this.scrub.addEventListener("input", () => { this.pause(); this.at = Number(this.scrub.value); this.draw(); });
    this.where = make("output", { class: "where" });
    this.speed = make("select", { "aria-label": t("speed") }, ...SPEEDS.map((fps) =>
      make("option", { value: fps, selected: fps === 24 }, t("fps", { fps }))));
    return make("div", { class: "transport" }, this.button, this.scrub, this.where, this.speed);
  }

  // what the film is made of

  get asked() {
    const of = (name) => film.keyframes.map((keyframe) => keyframe[name]).join(",");
    const truncations = film.keyframes.map(({ truncation }) => Math.round(truncation * 100)).join(",");
    return { ...this.settings, frames: Math.max(this.settings.frames, film.keyframes.length), seeds: of("seed"), labels: of("label"), truncations };
  }

  /** Something is different: list it anew, and make the film, if anybody can see it. */
  changed() {
    this.say("");
    this.follow();
    this.listed();
    this.stale = true;
    this.seen();
  }

  seen() {
    if (!this.stage.clientWidth) return;
    if (this.stale && this.settings) {
      this.stale = false;
      if (film.keyframes.length >= 2) this.load(this.asked);
      else this.sprite = null;
    }
    this.draw();
    this.tick(performance.now());
  }

  async show(asked) {
    if (JSON.stringify(asked) === JSON.stringify(this.shown)) return;
    this.classList.add("busy");
    try {
      this.sprite = await askSprite("film", asked);
      this.shown = asked;
      this.print.sized(this.sprite.size);
      this.scrub.max = this.sprite.n - 1;
      this.at = Math.min(this.at ?? 0, this.sprite.n - 1);
      if (this.failed) this.say(""); // not what was said of something else while this film was on its way
      this.failed = false;
      this.thumbs();
      this.draw();
      this.tick(performance.now());
    } catch (error) {
      this.say(sentence(error), true);
      this.failed = true;
    } finally {
      this.classList.remove("busy");
    }
  }

  say(words, wrong = false) {
    this.message.textContent = words;
    this.message.classList.toggle("wrong", wrong);
  }

  // keyframes

  add(seed) {
    if (film.full) return this.say(t("keyframes_full", { most: MOST }), true);
    this.say("");
    return film.add({ seed });
  }

  addSeed() {
    const seed = Number(this.seed.value);
    if (this.seed.value === "" || !Number.isInteger(seed) || seed < 0 || seed > MOST_SEED) {
      this.say(t("keyframe_seed", { high: number(MOST_SEED) }), true);
      return;
    }
    this.seed.value = "";
    this.add(seed);
  }

  move(i, way, button) {
    const j = i + way;
    if (j < 0 || j >= film.keyframes.length) return;
    film.untouched = false;
    [film.keyframes[i], film.keyframes[j]] = [film.keyframes[j], film.keyframes[i]];
    this.changed();
    const moved = this.list.children[j]; // the focus goes with it
    (moved.querySelector(`.${button}:not(:disabled)`) ?? moved.querySelector("button")).focus();
  }

  remove(i) {
    film.untouched = false;
    film.keyframes.splice(i, 1);
    this.changed();
    (this.list.children[Math.min(i, film.keyframes.length - 1)]?.querySelector("button") ?? this.seed).focus();
  }

  /** The frame at which keyframe i is met; as gan_core/latent/paths.py lays them. */
  frameOf(i) {
    const { n } = this.sprite;
    const [segments, steps] = this.shown.loop ? [film.keyframes.length, n] : [film.keyframes.length - 1, n - 1];
    return Math.floor((i * steps) / segments);
  }

  listed() {
    this.list.replaceChildren(...film.keyframes.map((keyframe, i) => this.item(keyframe, i)));
    this.empty.hidden = film.keyframes.length >= 2;
    this.canvas.hidden = !this.empty.hidden;
    this.canvas.setAttribute("aria-label", t("film_alt", { n: film.keyframes.length }));
    this.thumbs();
  }

  item({ seed }, i) {
    const last = film.keyframes.length - 1;
    const show = () => { if (this.sprite) { this.pause(); this.at = this.frameOf(i); this.draw(); } };
    return make("li", {},
      make("button", { type: "button", class: "thumb", "aria-label": t("keyframe_of", { i: i + 1, seed }), onclick: show }, make("canvas", { "aria-hidden": "true" })),
      make("span", { class: "seed" }, t("seed_short", { seed })),
      make("span", { class: "moves" },
        iconButton("left", t("earlier", { i: i + 1 }), () => this.move(i, -1, "before"), { class: "icon-button before", disabled: i === 0 }),
        iconButton("right", t("later", { i: i + 1 }), () => this.move(i, 1, "after"), { class: "icon-button after", disabled: i === last }),
        iconButton("close", t("remove", { i: i + 1 }), () => this.remove(i))));
  }

  /** The film shows the keyframes themselves, once it is the film of these keyframes. */
  thumbs() {
    if (!this.sprite || !this.settings || this.shown?.seeds !== this.asked.seeds) return;
    [...this.list.children].forEach((item, i) => {
      const context = fit(item.querySelector("canvas"), THUMB, THUMB);
      draw(context, this.sprite, this.frameOf(i), 0, 0, context.canvas.width);
    });
  }

  // playing

  toggle() {
    this.playing = !this.playing;
    this.face();
    this.tick(performance.now());
  }

  pause() {
    this.playing = false;
    this.face();
  }

  face() {
    face(this.button, this.playing ? "pause" : "play", t(this.playing ? "pause" : "play"));
  }

  tick(now, before = now) {
    cancelAnimationFrame(this.frame);
    this.face();
    if (!this.playing || !this.sprite || !this.stage.clientWidth) return;
    this.at = ((this.at ?? 0) + (Math.min(Math.max(0, now - before), 250) / 1000) * Number(this.speed.value)) % this.sprite.n;
    this.draw();
    this.frame = requestAnimationFrame((later) => this.tick(later, now));
  }

  draw() {
    const width = this.stage.clientWidth;
    if (!this.sprite || !width) return;
    const side = Math.floor(Math.min(width, innerHeight * (innerWidth < 640 ? 0.4 : 0.56)));
    const context = fit(this.canvas, side, side);
    const frame = Math.min(Math.floor(this.at ?? 0), this.sprite.n - 1);
    draw(context, this.sprite, frame, 0, 0, context.canvas.width);
    this.scrub.value = frame;
    this.where.textContent = t("frame_of", { frame: frame + 1, n: this.sprite.n });
    this.canvas.dataset.frame = frame;
  }
}

const sentence = (error) => (error instanceof Said ? error.message : (console.error(error), t("went_wrong")));

customElements.define("gan-interpolate", GanInterpolate);
