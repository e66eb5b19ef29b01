// Walk: a map of a plane through latent space, and the great circle through two pictures. Drag, and the picture follows.

import { make } from "../dom.js";
import { fit } from "../sprite.js";
import { number, t } from "../text.js";
import { called, readAll } from "./found.js";
import { directionsOf } from "./home.js";
import { add, dot, grown, norm, ofSeed, point, scale } from "./latent.js";
import { dropTarget, put, tile } from "./tile.js";

const ROWS = 9; // pictures on a side of the map
const REACH = { three: [-0.25, 1.25], two: [-3, 3] }; // of the map: in pictures' coordinates, or in standard deviations
const CORNERS = [0, 11, 9]; // seeds to begin with: unlike each other in every shipped model, the first one in hand
const OPPOSITE = [0, 2]; // and on the circle
const AROUND = 20; // pictures on the circle
const NEAR = 0.05; // between two latents that are one
const STEP = 1 / 40; // of the map, by an arrow key; a quarter as fine with Alt, four times as coarse with Shift

export class Walk {
  static toolName = "walk";

  static title = "walk";

  static lead = "walk_lead";

  constructor(lab) {
    this.lab = lab;
    this.plane = new Plane(lab);
    this.circle = new Circle(lab);
    this.element = make("div", { class: "walk" }, this.plane.element, this.circle.element);
    new ResizeObserver(() => { this.plane.lay(); this.circle.lay(); }).observe(this.element);
  }

  model(about) {
    this.plane.model(about);
    this.circle.model(about);
  }

  /** A mark that does not say where the hand is, pales. */
  hand(latent) {
    for (const pad of [this.plane, this.circle]) pad.mark.classList.toggle("away", pad.taken !== latent && norm(add(pad.here.z, latent.z, -1)) > NEAR);
  }

  view() { return this.plane.view(); }

  restore(view) {
    this.plane.restore(view);
    this.hand(this.lab.hand);
  }
}

/** What is walked on: a canvas of pictures in `this.pad`, drawn anew when its width or what it shows has changed. */
class Pad {
  constructor(lab) {
    this.lab = lab;
    this.pictures = make("canvas", { "aria-hidden": "true" });
    this.mark = make("div", { class: "pad-mark" });
  }

  lay() {
    if (this.about && this.pad.clientWidth !== this.drawn) this.draw();
  }

  async draw() {
    const width = this.pad.clientWidth;
    this.drawn = width; // 0 where it is out of sight, to be drawn when it is seen
    if (!this.about || !width) return;
    this.marked();
    const round = (this.round ?? 0) + 1;
    this.round = round;
    await this.paint(fit(this.pictures, width, width), () => this.round === round);
    if (this.round === round) this.pad.dataset.drawn = round;
  }
}

/** The map: a square of pictures, a mark where the hand is, two sliders that say the same. */
class Plane extends Pad {
  constructor(lab) {
    super(lab);
    this.kind = "three";
    this.at = { three: [0, 0], two: [0, 0] }; // at A, which is in hand at the start
    this.letters = [[0, 0], [1, 0], [0, 1]].map((place, i) => Object.assign(make("span", { class: "pad-letter", "aria-hidden": "true" }, "ABC"[i]), { place }));
    this.pad = make("div", { class: "pad", tabindex: "0", role: "application", "aria-label": t("walk_pad") }, this.pictures, ...this.letters, this.mark);
    this.across = slider(t("walk_across"), () => this.#go([Number(this.across.value), this.at[this.kind][1]]));
    this.up = slider(t("walk_up"), () => this.#go([this.at[this.kind][0], Number(this.up.value)]));
    this.pad.addEventListener("pointerdown", (event) => this.#down(event));
    this.pad.addEventListener("pointermove", (event) => { if (this.pad.hasPointerCapture(event.pointerId)) this.#point(event); });
    this.pad.addEventListener("keydown", (event) => this.#key(event));
    this.corners = make("div", { class: "corners" });
    this.axes = make("div", { class: "axes bar" });
    this.segments = make("div", { class: "segments", role: "group", "aria-label": t("walk_spanned") },
      ...["three", "two"].map((kind) => make("button", { type: "button", "data-kind": kind, onclick: () => this.#span(kind) }, t(`walk_${kind}`))));
    this.element = make("div", { class: "plane" },
      make("div", { class: "bar" }, this.segments), this.pad, make("div", { class: "pad-sliders" }, labelled(this.across), labelled(this.up)), this.corners, this.axes);
  }

  model(about) {
    if (!grown(this.about, about)) {
      this.ends = CORNERS.map((seed) => ofSeed(about, seed));
      this.base = this.lab.hand;
      this.chosen = [0, 1];
      this.found = [];
      this.asked = false;
    }
    this.about = about;
    this.#corners();
    this.#axes();
    this.#span(this.kind, false);
  }

  /** Asks for the model's directions when they are first needed; until they come, and without any, the axes are by chance. */
  async #directions() {
    if (this.asked) return;
    this.asked = true;
    const { about } = this;
    const left = () => { if (!grown(about, this.about)) throw new DOMException("another model", "AbortError"); };
    const file = await directionsOf(about, left).catch(() => null);
    if (!grown(about, this.about)) return;
    const { here } = this;
    this.found = readAll(about, file);
    if (this.kind === "two") this.#came(here);
    this.#axes();
    this.draw();
  }

  /** The walk has come to this latent: it began that far before. */
  #came(latent) {
    const [u, v] = this.at.two;
    this.base = point(add(add(latent.z, this.#axis(0), -u), this.#axis(1), -v), latent.y);
  }

  get here() { return this.latent(this.at[this.kind]); }

  #axis(i) {
    if (this.found[this.chosen[i]]) return this.found[this.chosen[i]].z;
    const { z } = ofSeed(this.about, 1000 + this.chosen[i]);
    return scale(z, 1 / norm(z));
  }

  #span(kind, chosen = true) {
    this.kind = kind;
    if (chosen && kind === "two") {
      this.base = this.lab.hand;
      this.at.two = [0, 0];
    }
    for (const button of this.segments.children) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    this.corners.hidden = kind !== "three";
    this.axes.hidden = kind !== "two";
    this.pad.setAttribute("aria-description", t(`walk_${kind}_about`));
    const [low, high] = REACH[kind];
    for (const range of [this.across, this.up]) Object.assign(range, { min: low, max: high, step: (high - low) / 200 });
    for (const letter of this.letters) {
      letter.hidden = kind !== "three";
      letter.style.left = `${100 * share(letter.place[0], kind)}%`;
      letter.style.bottom = `${100 * share(letter.place[1], kind)}%`;
    }
    if (kind === "two") this.#directions();
    this.marked();
    this.draw();
    if (chosen) {
      this.mark.classList.toggle("away", norm(add(this.here.z, this.lab.hand.z, -1)) > NEAR);
      this.lab.viewed();
    }
  }

  #corners() {
    this.corners.replaceChildren(...this.ends.map((latent, i) => {
      const name = t("walk_corner", { letter: "ABC"[i] });
      const change = (other) => {
        if (!other) return;
        this.ends[i] = other;
        button.show(other);
        this.draw();
        this.lab.viewed();
      };
      const button = tile(this.lab, latent, name, async () => change(await this.lab.pick(name)));
      dropTarget(this.lab, button, change);
      return make("div", { class: "corner" }, make("span", { class: "letter" }, "ABC"[i]), button);
    }));
  }

  #axes() {
    const names = this.found.length ? this.found.map((d) => called(d, 1 + this.found.filter(({ method }) => method === d.method).indexOf(d))) : [t("walk_chance", { n: 1 }), t("walk_chance", { n: 2 })];
    const change = (i, k) => {
      this.chosen[i] = k;
      this.draw();
      this.lab.viewed();
    };
    this.axes.replaceChildren(...["walk_axis_across", "walk_axis_up"].map((key, i) =>
      make("label", {}, t(key), make("select", { onchange: (event) => change(i, Number(event.target.value)) },
        ...names.map((name, k) => make("option", { value: k, selected: k === this.chosen[i] }, name))))),
    make("button", { type: "button", class: "plain", onclick: () => this.#span("two") }, t("walk_from_here")));
  }

  /** The latent at (u, v). */
  latent([u, v]) {
    if (this.kind === "two") return point(add(add(this.base.z, this.#axis(0), u), this.#axis(1), v), this.base.y);
    const [a, b, c] = this.ends;
    const blend = (name) => a[name].map((value, i) => value + u * (b[name][i] - value) + v * (c[name][i] - value));
    const z = blend("z");
    const lengths = this.ends.map((end) => norm(end.z));
    const wanted = (1 - u - v) * lengths[0] + u * lengths[1] + v * lengths[2];
    const kept = Math.min(Math.max(wanted, Math.min(...lengths)), Math.max(...lengths)); // as long as its corners: between them is a place that G never met
    return point(scale(z, kept / Math.max(norm(z), 1e-9)), a.y && shares(blend("y")));
  }

  // under the hand

  #down(event) {
    if (event.button) return;
    this.pad.setPointerCapture(event.pointerId);
    this.#point(event);
  }

  #point(event) {
    const box = this.pad.getBoundingClientRect();
    const [low, high] = REACH[this.kind];
    const of = (share) => low + Math.min(1, Math.max(0, share)) * (high - low);
    this.#go([of((event.clientX - box.left) / box.width), of(1 - (event.clientY - box.top) / box.height)]);
  }

  #key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const [low, high] = REACH[this.kind];
    const step = (high - low) * STEP * (event.shiftKey ? 4 : event.altKey ? 0.25 : 1);
    this.#go(this.at[this.kind].map((value, i) => Math.min(high, Math.max(low, value + way[i] * step))));
  }

  #go(at) {
    this.at[this.kind] = at;
    this.taken = this.here;
    this.lab.take(this.taken);
    this.marked();
  }

  marked() {
    const [u, v] = this.at[this.kind];
    place(this.mark, this.drawn, share(u, this.kind), 1 - share(v, this.kind));
    this.across.value = u;
    this.up.value = v;
    for (const range of [this.across, this.up]) range.setAttribute("aria-valuetext", number(Number(range.value), 2));
  }

  /** In the background, from the middle outwards. */
  async paint(context, still) {
    const side = context.canvas.width / ROWS;
    const [low, high] = REACH[this.kind];
    const of = (k) => low + ((k + 0.5) / ROWS) * (high - low);
    const places = [];
    for (let row = 0; row < ROWS; row++) for (let column = 0; column < ROWS; column++) places.push([column, row]);
    const far = ([column, row]) => Math.hypot(column - (ROWS - 1) / 2, row - (ROWS - 1) / 2);
    places.sort((a, b) => far(a) - far(b));
    const small = make("canvas", {});
    for (let i = 0; i < places.length; i += ROWS) {
      const some = places.slice(i, i + ROWS);
      const images = await this.lab.brush.paint(some.map(([column, row]) => this.latent([of(column), of(ROWS - 1 - row)])));
      if (!still()) return;
      images.forEach((image, k) => {
        put(small, image);
        const [x, y] = [Math.round(some[k][0] * side), Math.round(some[k][1] * side)];
        context.drawImage(small, x, y, Math.ceil(side), Math.ceil(side));
      });
    }
  }

  // the address

  view() {
    const [u, v] = this.at[this.kind].map((value) => value.toFixed(3));
    const more = this.kind === "two" ? this.chosen : this.ends.every(({ seed }) => seed != null) ? this.ends.map(({ seed }) => seed) : [];
    return [this.kind, u, v, ...more].join(",");
  }

  restore(view) {
    const [kind, ...numbers] = view.split(",");
    const values = numbers.map(Number);
    if (!(kind in REACH) || !values.every(Number.isFinite)) return;
    const [low, high] = REACH[kind];
    if (values.length >= 2) this.at[kind] = values.slice(0, 2).map((value) => Math.min(high, Math.max(low, value)));
    const more = values.slice(2);
    const whole = more.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 31);
    if (kind === "three" && more.length === 3 && whole) {
      this.ends = more.map((seed) => ofSeed(this.about, seed));
      this.#corners();
    }
    if (kind === "two") {
      if (more.length === 2 && whole) this.chosen = more;
      this.#came(this.lab.hand);
      this.#axes();
    }
    this.#span(kind, false);
  }
}

/** Round and round through two latents: every point as long as they are. */
class Circle extends Pad {
  constructor(lab) {
    super(lab);
    this.angle = 0;
    this.pad = make("div", { class: "ring" }, this.pictures, this.mark, this.faces = make("div", { class: "ring-ends" }));
    this.range = slider(t("walk_angle"), () => this.#go(Number(this.range.value)));
    Object.assign(this.range, { min: 0, max: 360, step: 1 });
    this.pad.addEventListener("pointerdown", (event) => {
      if (event.button || event.target.closest(".tile")) return;
      this.pad.setPointerCapture(event.pointerId);
      this.#point(event);
    });
    this.pad.addEventListener("pointermove", (event) => { if (this.pad.hasPointerCapture(event.pointerId)) this.#point(event); });
    this.element = make("div", { class: "circle" }, make("h3", {}, t("walk_circle")), make("p", { class: "note" }, t("walk_circle_about")), this.pad, make("div", { class: "pad-sliders" }, labelled(this.range)));
  }

  get here() { return this.latent(this.angle); }

  model(about) {
    if (!grown(this.about, about)) this.ends = OPPOSITE.map((seed) => ofSeed(about, seed));
    this.about = about;
    this.faces.replaceChildren(...this.ends.map((latent, i) => {
      const name = t("walk_end", { letter: "AB"[i] });
      const change = (other) => {
        if (!other) return;
        this.ends[i] = other;
        button.show(other);
        this.#turn();
      };
      const button = tile(this.lab, latent, name, async () => change(await this.lab.pick(name)));
      dropTarget(this.lab, button, change);
      return make("div", { class: "corner" }, make("span", { class: "letter" }, "AB"[i]), button);
    }));
    this.#turn();
  }

  /** The plane of the two. */
  #turn() {
    const [a, b] = this.ends;
    this.u = scale(a.z, 1 / Math.max(norm(a.z), 1e-9));
    const aside = add(b.z, this.u, -dot(b.z, this.u));
    this.v = scale(aside, 1 / Math.max(norm(aside), 1e-9));
    this.between = Math.atan2(dot(b.z, this.v), dot(b.z, this.u)); // the angle at which b lies
    this.draw();
    this.marked();
  }

  /** At an angle, in degrees: a lies at 0. */
  latent(degrees) {
    const angle = (degrees * Math.PI) / 180;
    const [a, b] = this.ends;
    const share = (1 - Math.cos(angle)) / Math.max(1e-6, 1 - Math.cos(this.between));
    const far = Math.min(1, Math.max(0, share));
    const length = (1 - far) * norm(a.z) + far * norm(b.z);
    const z = this.u.map((value, i) => length * (Math.cos(angle) * value + Math.sin(angle) * this.v[i]));
    return point(z, a.y && a.y.map((value, i) => (1 - far) * value + far * b.y[i]));
  }

  #point(event) {
    const box = this.pad.getBoundingClientRect();
    const angle = Math.atan2(box.top + box.height / 2 - event.clientY, event.clientX - box.left - box.width / 2);
    this.#go(((angle * 180) / Math.PI + 360) % 360);
  }

  #go(angle) {
    this.angle = angle;
    this.taken = this.here;
    this.lab.take(this.taken);
    this.marked();
  }

  marked() {
    const angle = (this.angle * Math.PI) / 180;
    place(this.mark, this.drawn, 0.5 + 0.42 * Math.cos(angle), 0.5 - 0.42 * Math.sin(angle));
    this.range.value = this.angle;
    this.range.setAttribute("aria-valuetext", t("walk_degrees", { n: number(this.angle) }));
  }

  async paint(context, still) {
    const whole = context.canvas.width;
    const side = 0.115 * whole;
    const angles = Array.from({ length: AROUND }, (_, i) => (i * 360) / AROUND);
    const images = await this.lab.brush.paint(angles.map((angle) => this.latent(angle)));
    if (!still()) return;
    context.clearRect(0, 0, whole, whole);
    const small = make("canvas", {});
    images.forEach((image, i) => {
      put(small, image);
      const angle = (angles[i] * Math.PI) / 180;
      context.drawImage(small, whole * (0.5 + 0.42 * Math.cos(angle)) - side / 2, whole * (0.5 - 0.42 * Math.sin(angle)) - side / 2, side, side);
    });
  }
}

function slider(label, oninput) {
  const range = make("input", { type: "range", "aria-label": label, title: label });
  range.addEventListener("input", oninput);
  return range;
}

/** A slider with its name in sight. */
const labelled = (range) => make("label", {}, make("span", { "aria-hidden": "true" }, range.title), range);

/** Where a value lies on a side of the map, in [0, 1]. */
function share(value, kind) {
  const [low, high] = REACH[kind];
  return (value - low) / (high - low);
}

/** Moves a mark by transform alone, on a pad of that width: nothing below it is painted anew, and nothing is measured. */
function place(mark, width, x, y) {
  mark.style.transform = `translate(${x * width}px, ${y * width}px)`;
}

/** Shares of classes: none below 0, 1 in all. */
function shares(y) {
  const kept = y.map((share) => Math.max(0, share));
  const all = kept.reduce((sum, share) => sum + share, 0);
  return all > 1e-9 ? scale(kept, 1 / all) : kept;
}
