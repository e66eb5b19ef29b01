// Where a picture from outside comes in: uploaded, dropped, pasted, taken from the laboratory, or drawn.

import { make } from "../dom.js";
import { Said } from "../server.js";
import { t } from "../text.js";
import { dropTarget, put } from "./tile.js";

const SIDE = 256; // pixels that are worked on, at least: a multiple of the model's, so that shrinking is exact
const MOST_MB = 100; // of a file: a photograph of 50 megapixels has 30
const SENT_MB = 8; // of a PNG that is sent whole, for the mark in it; ours have a hundredth
const UNDO = 20; // strokes that can be taken back
const READ = { willReadFrequently: true };
const BRUSHES = [0.03, 0.06, 0.12, 0.25]; // of the side

export class Easel {
  // changed(): the picture is another one; brush: null, or {colour: bool} for drawing on it
  constructor(lab, { changed = () => {}, drawing = false }) {
    Object.assign(this, { lab, changed, drawing, holes: false, brush: 1 });
    this.paper = make("canvas", { class: "paper" });
    this.hole = make("canvas", { class: "hole", "aria-hidden": "true" });
    this.ring = make("div", { class: "easel-ring", hidden: true });
    this.note = make("p", { class: "easel-note" }, t(drawing ? "easel_drop_draw" : "easel_drop"));
    this.stage = make("div", { class: "easel", tabindex: "0", role: drawing ? "application" : "img" }, this.paper, this.hole, this.ring, this.note);
    this.file = make("input", { type: "file", accept: "image/*", hidden: true, onchange: () => { const [file] = this.file.files; this.file.value = ""; if (file) this.open(file); } });
    const button = (key, onclick) => make("button", { type: "button", class: "plain", onclick }, t(key));
    this.sources = make("div", { class: "bar" }, button("easel_upload", () => this.file.click()), this.file,
      button("easel_hand", () => this.take(lab.hand)),
      button("easel_pick", async () => { const latent = await lab.pick(t("easel_pick_title")); if (latent) this.take(latent); }));
    this.element = make("div", { class: "easel-side" }, this.stage, this.sources);
    if (drawing) this.element.append(this.#tools());
    dropTarget(lab, this.stage, (latent) => this.take(latent));
    this.stage.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) { event.preventDefault(); this.stage.classList.add("dropping"); } });
    this.stage.addEventListener("dragleave", () => this.stage.classList.remove("dropping"));
    this.stage.addEventListener("drop", (event) => {
      this.stage.classList.remove("dropping");
      const [file] = event.dataTransfer?.files ?? [];
      if (!file) return;
      event.preventDefault();
      event.stopPropagation();
      this.open(file);
    });
    this.pasted = (event) => this.#paste(event);
  }

  /** A picture of another model's size is none of this one's. */
  model(about) {
    if (this.side === about.size * Math.max(1, Math.round(SIDE / about.size)) && this.size === about.size && this.grey === (about.nc === 1)) {
      this.latent = null;
      return;
    }
    this.size = about.size;
    this.grey = about.nc === 1;
    this.side = about.size * Math.max(1, Math.round(SIDE / about.size));
    for (const canvas of [this.paper, this.hole]) Object.assign(canvas, { width: this.side, height: this.side });
    this.stage.classList.toggle("grey", this.grey);
    this.spot = [this.side / 2, this.side / 2];
    this.clear();
  }

  listen(on) {
    if (on) document.addEventListener("paste", this.pasted);
    else document.removeEventListener("paste", this.pasted);
  }

  // what comes in

  /** A file of any size, cut to the square in its middle; the browser turns a photograph upright. */
  async open(file, name = file.name) {
    try {
      if (file.size > MOST_MB * 2 ** 20) throw new Said(t("easel_too_large", { name, got: Math.round(file.size / 2 ** 20), limit: MOST_MB }));
      let image;
      try {
        image = await createImageBitmap(file);
      } catch {
        throw new Said(t("easel_not_picture", { name }));
      }
      const short = Math.min(image.width, image.height);
      this.#fresh(null);
      this.original = file.type === "image/png" && file.size <= SENT_MB * 2 ** 20 ? file : null;
      this.kind = file.type;
      const context = this.#context();
      Object.assign(context, { imageSmoothingEnabled: short !== this.size, imageSmoothingQuality: "high" });
      context.drawImage(image, (image.width - short) / 2, (image.height - short) / 2, short, short, 0, 0, this.side, this.side);
      image.close();
      this.lab.say("");
      this.changed();
    } catch (error) {
      this.#say(error);
    }
  }

  /** A picture of this model, exactly. */
  async take(latent) {
    try {
      const [image] = await this.lab.brush.paint([latent]);
      const small = make("canvas", {});
      put(small, image);
      this.#fresh(latent);
      const context = this.#context();
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, this.side, this.side);
      this.lab.say("");
      this.changed();
    } catch (error) {
      this.#say(error);
    }
  }

  #paste(event) {
    if (!this.stage.clientWidth || event.target.closest?.("input, textarea, dialog")) return; // the page may show another tab
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return this.lab.say(t("easel_no_paste"), true);
    event.preventDefault();
    this.open(file, t("easel_pasted"));
  }

  #say(error) {
    if (!(error instanceof Said)) console.error(error);
    this.lab.say(error instanceof Said ? error.message : t("went_wrong"), true);
  }

  /** A new sheet. */
  #fresh(latent) {
    this.latent = latent;
    this.original = null;
    this.kind = "";
    this.strokes = [];
    const context = this.#context();
    context.fillStyle = "#fff";
    context.fillRect(0, 0, this.side, this.side);
    this.hole.getContext("2d", READ).clearRect(0, 0, this.side, this.side);
    this.used(true);
  }

  clear() {
    if (!this.side) return;
    this.#fresh(null);
    this.used(false);
    this.changed();
  }

  used(now) {
    this.empty = !now;
    this.note.hidden = now;
    this.stage.setAttribute("aria-label", t(this.drawing ? "easel_label_draw" : "easel_label"));
  }

  // what goes out

  /** The picture as the model sees it: a PNG of its size, as a data URL. Every pixel is the mean of its square. */
  picture() {
    return this.#shrunk(this.paper, (sum, area) => sum / area);
  }

  /** White where the picture is known, black in the hole. */
  known() {
    return this.#shrunk(this.hole, (sum, area, alpha) => (alpha / area > 127 ? 0 : 255));
  }

  get holed() {
    return this.hole.getContext("2d", READ).getImageData(0, 0, this.side, this.side).data.some((value, i) => i % 4 === 3 && value > 127);
  }

  #shrunk(canvas, value) {
    const { size, side } = this;
    const k = side / size;
    const { data } = canvas.getContext("2d", READ).getImageData(0, 0, side, side);
    const small = new ImageData(size, size);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const sums = [0, 0, 0, 0];
        for (let v = y * k; v < (y + 1) * k; v++) {
          for (let u = x * k; u < (x + 1) * k; u++) for (let c = 0; c < 4; c++) sums[c] += data[4 * (v * side + u) + c];
        }
        for (let c = 0; c < 3; c++) small.data[4 * (y * size + x) + c] = Math.round(value(sums[c], k * k, sums[3]));
        small.data[4 * (y * size + x) + 3] = 255;
      }
    }
    const out = make("canvas", {});
    put(out, small);
    return out.toDataURL("image/png");
  }

  // the brush

  /** What the brush does: it makes a hole, or it paints. */
  hollow(holes) {
    this.holes = holes;
    this.colour.hidden = holes;
    this.hole.hidden = !holes;
    this.#showRing(false);
  }

  #tools() {
    this.colour = make("label", { class: "easel-tool" }, make("span", {}, t("easel_colour")), this.ink = make("input", { type: "color", value: "#c02020" }));
    this.width = make("input", { type: "range", min: 0, max: BRUSHES.length - 1, step: 1, value: 1, "aria-label": t("easel_size") });
    const button = (key, onclick) => make("button", { type: "button", class: "plain", onclick }, t(key));
    this.#listenToHands();
    return make("div", { class: "bar easel-tools" }, this.colour,
      make("label", { class: "easel-tool" }, make("span", {}, t("easel_size")), this.width),
      button("easel_undo", () => this.#undo()), button("easel_clear", () => this.clear()));
  }

  #listenToHands() {
    const { stage } = this;
    const spot = ({ clientX, clientY }) => {
      const box = this.paper.getBoundingClientRect();
      return [((clientX - box.left) / box.width) * this.side, ((clientY - box.top) / box.height) * this.side];
    };
    stage.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      stage.setPointerCapture(event.pointerId);
      this.spot = spot(event);
      this.#begin();
      this.#stroke(this.spot, this.spot);
      this.down = true;
      stage.focus({ preventScroll: true });
      event.preventDefault();
    });
    stage.addEventListener("pointermove", (event) => {
      for (const each of event.getCoalescedEvents?.() ?? [event]) {
        const now = spot(each);
        if (this.down) this.#stroke(this.spot, now);
        this.spot = now;
      }
      this.#showRing(event.pointerType !== "touch");
    });
    const up = () => { if (this.down) { this.down = false; this.changed(); } };
    stage.addEventListener("pointerup", up);
    stage.addEventListener("pointercancel", up);
    stage.addEventListener("pointerleave", () => this.#showRing(false));
    stage.addEventListener("blur", () => this.#showRing(false));
    stage.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const step = (event.shiftKey ? 4 : 1) * (this.side / 32);
    if (way) {
      const inside = (value) => Math.min(this.side, Math.max(0, value));
      this.spot = [inside(this.spot[0] + way[0] * step), inside(this.spot[1] + way[1] * step)];
    } else if (event.key === " ") {
      this.#begin();
      this.#stroke(this.spot, this.spot);
      this.changed();
    } else if (event.key === "+" || event.key === "-") {
      this.width.value = Number(this.width.value) + (event.key === "+" ? 1 : -1);
    } else if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      this.#undo();
    } else return;
    event.preventDefault();
    this.#showRing(true);
  }

  get thick() {
    return BRUSHES[this.width.value] * this.side;
  }

  #showRing(shown) {
    this.ring.hidden = !shown;
    if (!shown) return;
    const share = (value) => `${(100 * value) / this.side}%`;
    Object.assign(this.ring.style, { left: share(this.spot[0] - this.thick / 2), top: share(this.spot[1] - this.thick / 2), width: share(this.thick), height: share(this.thick) });
  }

  #context() {
    return this.paper.getContext("2d", READ);
  }

  #begin() {
    if (this.empty) this.used(true);
    const canvas = this.holes ? this.hole : this.paper;
    this.strokes.push([canvas, canvas.getContext("2d", READ).getImageData(0, 0, this.side, this.side)]);
    if (this.strokes.length > UNDO) this.strokes.shift();
    if (!this.holes) this.original = null; // it is another picture now
  }

  #stroke([x0, y0], [x1, y1]) {
    const context = (this.holes ? this.hole : this.paper).getContext("2d", READ);
    Object.assign(context, { lineCap: "round", lineWidth: this.thick, strokeStyle: this.holes ? "#000" : this.ink.value });
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1 + 0.01); // of a single point nothing would be drawn
    context.stroke();
  }

  #undo() {
    const [canvas, before] = this.strokes.pop() ?? [];
    if (!canvas) return;
    canvas.getContext("2d", READ).putImageData(before, 0, 0);
    this.changed();
  }
}
