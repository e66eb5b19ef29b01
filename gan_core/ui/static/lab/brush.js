// The brush: G in the visitor's browser. A hand on a control comes before everything else, and only its newest wish counts.

import { hand } from "../dom.js";
import { ask, Said } from "../server.js";
import { partOf, site } from "./home.js";
import { flat, posted } from "./latent.js";
import { t } from "../text.js";

const CHUNK = 8; // pictures painted at once in the background; one at a time while a hand moves
const RECENT = 60; // frames over which milliseconds are told

export class Brush {
  #worker;
  #answers = new Map();
  #last = 0;
  #runs = false; // did a runtime start here? Then what fails is the graph
  #jobs = []; // in the background: {work, keep}
  #wish; // of the hand: {latent, draw}
  #busy = false;
  #times = [];
  #frames = [];
  #parts = {};
  #coming; // the model that is wanted: one that was asked for before it comes too late

  /**
   * Gets the model and the runtime, at once; until they are here the one before paints on. `progress(share)`.
   * Throws Said where nothing can paint; never settles where another model is wanted meanwhile.
   */
  async open(about, progress) {
    this.#coming = about;
    const wanted = new URL(location.href).searchParams.get("brush"); // "webgpu", "wasm" or "server": for tests, and for whoever compares
    for (const runtime of wanted === "server" || this.how?.kind === "server" ? [] : [wanted, "wasm"]) {
      if (await this.#equipped(about, runtime, progress)) return undefined;
      if (about !== this.#coming) return never;
    }
    if (site) throw new Said(t(this.#runs ? "lab_wrong_graph" : "lab_no_wasm"));
    this.#turnTo(about);
    this.how = { kind: "server", ms: 0, fps: 0 };
    return undefined;
  }

  /** Has its G in a worker, and has seen it paint? */
  async #equipped(about, wanted, progress) {
    try {
      const [graph] = await Promise.all([partOf(about, "G", progress), this.#started(wanted)]);
      if (about !== this.#coming) return false;
      this.#turnTo(about);
      await this.#ask("load", { part: "G", graph });
      await this.#paintNow([{ z: new Float32Array(about.nz), y: about.num_classes ? new Float32Array(about.num_classes) : null }]); // the first run makes its plans
      return about === this.#coming;
    } catch (error) {
      if (about !== this.#coming) return false;
      if (error instanceof Said) throw error; // the model, not the browser
      console.info(`${this.how?.kind ?? wanted ?? "this browser"} does not run G:`, error.message);
      this.#stop();
      return false;
    }
  }

  /** What is still to be painted belongs to the model before. */
  #turnTo(about) {
    this.#parts = {};
    if (about === this.about) return;
    this.about = about;
    this.#jobs = [];
    this.#wish = undefined;
  }

  #stop() {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const [, reject] of this.#answers.values()) reject(new Error("stopped"));
    this.#answers.clear();
  }

  async #started(wanted) {
    if (this.#worker) return;
    if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function") throw new Error("no WebAssembly");
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { id, error, ...answer } }) => {
      const [resolve, reject] = this.#answers.get(id) ?? [];
      this.#answers.delete(id);
      if (error === undefined) resolve?.(answer);
      else reject?.(new Error(error));
    };
    const broken = new Promise((_, reject) => { worker.onerror = (event) => reject(new Error(event.message ?? "the worker does not start")); });
    this.#worker = worker;
    const { kind } = await Promise.race([this.#ask("open", { wanted }), broken]);
    this.#runs = true;
    this.how = { kind, ms: 0, fps: 0 };
  }

  #ask(name, given, transfer = []) {
    return new Promise((resolve, reject) => {
      this.#answers.set(++this.#last, [resolve, reject]);
      this.#worker.postMessage({ id: this.#last, name, ...given }, transfer);
    });
  }

  /** The part's graph, got when it is first needed: D to judge, "inside" to look into G. */
  need(part) {
    if (!this.#worker) return Promise.resolve(); // the server has them all
    const { about } = this;
    this.#parts[part] ??= partOf(about, part).then((graph) => (about === this.about ? this.#ask("load", { part, graph }) : never));
    return this.#parts[part];
  }

  // the hand

  /** Paints `latent` as soon as can be; of what is wished for meanwhile only the newest. draw(ImageData). */
  live(latent, draw) {
    this.#wish = { latent, draw };
    hand.moved = performance.now();
    this.#go();
  }

  async #go() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#wish || this.#jobs.length) {
        if (this.#wish) await this.#follow();
        else {
          const job = this.#jobs.shift();
          try {
            job.keep(await job.work());
          } catch (error) {
            job.fail(error);
          }
        }
      }
    } finally {
      this.#busy = false;
    }
  }

  async #follow() {
    const { latent, draw } = this.#wish;
    const { about } = this;
    this.#wish = undefined;
    if (!fits(latent, about)) return; // of the model before: the one that comes has its own
    try {
      const { images, ms } = await this.#paintNow([latent]);
      this.#count(ms);
      draw(images[0]);
    } catch (error) {
      if (about !== this.about) return;
      if (this.how.kind === "webgpu" && !this.lost) { // a graphics driver that has gone: WebAssembly stays
        this.lost = true;
        this.#stop();
        const saved = await this.#equipped(about, "wasm", () => {}).catch(() => false);
        if (about !== this.#coming) return;
        if (!saved && !site) this.how = { kind: "server", ms: 0, fps: 0 };
        this.#wish ??= { latent, draw };
        return;
      }
      console.error(error);
      draw(null, error);
    }
  }

  #count(ms) {
    const now = performance.now();
    this.#times.push(ms);
    this.#frames.push(now);
    if (this.#times.length > RECENT) this.#times.shift();
    while (this.#frames[0] < now - 1000) this.#frames.shift();
    const sorted = [...this.#times].sort((a, b) => a - b);
    this.how = { ...this.how, ms: sorted[sorted.length >> 1], fps: this.#frames.length };
  }

  // in the background, in order, giving way to the hand

  /** One ImageData for each latent. */
  async paint(latents) {
    const { about } = this;
    const made = [];
    if (!latents.every((latent) => fits(latent, about))) return never;
    for (let i = 0; i < latents.length;) {
      const tender = hand.moves;
      const part = latents.slice(i, i + (tender && this.#worker ? 1 : CHUNK));
      const { images } = await this.#queue(() => this.#paintNow(part));
      if (about !== this.about) return never; // who asked looks at another model by now
      made.push(...images);
      i += part.length;
    }
    return made;
  }

  /** D's logits, one for each latent. */
  async opinions(latents) {
    return (await this.judge(latents)).logits;
  }

  /** How far each picture looks from the one before it (n - 1): the root of latent/perception.py's distance. */
  async feel(latents) {
    return (await this.judge(latents)).apart;
  }

  /** Both at once: {logits, apart}. */
  async judge(latents) {
    const { about } = this;
    if (!latents.every((latent) => fits(latent, about))) return never;
    if (!this.#worker) return this.#judgedByServer(latents);
    await this.need("D");
    const logits = new Float32Array(latents.length);
    const apart = new Float32Array(Math.max(0, latents.length - 1));
    const chain = ++this.#last;
    for (let i = 0; i < latents.length; i++) { // one at a time: a hand may come in between
      if (about !== this.about) return never;
      const said = await this.#queue(() => this.#ask("judge", { ...rows([latents[i]]), chain, end: i + 1 === latents.length }));
      if (about !== this.about) return never;
      logits[i] = said.logit;
      if (i) apart[i - 1] = said.apart;
    }
    return { logits, apart };
  }

  /** A part's outputs {name: {dims, data}} for inputs of the same form. */
  async run(part, feeds, wanted) {
    const { about } = this;
    await this.need(part);
    if (about !== this.about) return never;
    const { outputs } = await this.#queue(() => this.#ask("run", { part, feeds, wanted }));
    return about === this.about ? outputs : never;
  }

  #queue(work) {
    return new Promise((keep, fail) => {
      this.#jobs.push({ work, keep, fail });
      this.#go();
    });
  }

  async #paintNow(latents) {
    if (!this.#worker) return this.#paintedByServer(latents);
    const { pixels, size, ms } = await this.#ask("paint", rows(latents));
    return { images: cut(pixels, size, latents.length), ms };
  }

  // a browser that can do neither

  async #paintedByServer(latents) {
    const began = performance.now();
    const { size, nc, key } = this.about;
    const answer = await ask("lab/paint", {}, { method: "POST", body: JSON.stringify({ model: key, ...posted(latents) }) });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const pixels = new Uint8ClampedArray(latents.length * size * size * 4).fill(255);
    for (let i = 0, at = 0; at < pixels.length; i += nc, at += 4) {
      for (let c = 0; c < 3; c++) pixels[at + c] = bytes[i + (nc === 1 ? 0 : c)];
    }
    return { images: cut(pixels, size, latents.length), ms: performance.now() - began };
  }

  async #judgedByServer(latents) {
    const logits = [];
    const apart = [];
    for (let i = 0; i < latents.length; i += 32) {
      const part = latents.slice(Math.max(0, i - 1), i + 32);
      const said = await ask("lab/opinions", {}, { method: "POST", body: JSON.stringify({ model: this.about.key, ...posted(part) }) });
      logits.push(...said.logits.slice(i ? 1 : 0));
      apart.push(...said.apart);
    }
    return { logits: Float32Array.from(logits), apart: Float32Array.from(apart) };
  }
}

const never = new Promise(() => {});

/** Is it a latent of that model? */
const fits = ({ z, y }, { nz, num_classes: classes }) => z.length === nz && (y?.length ?? 0) === classes;

const rows = (latents) => ({ n: latents.length, z: flat(latents.map(({ z }) => z)), y: latents[0].y && flat(latents.map(({ y }) => y)) });

function cut(pixels, size, n) {
  const one = size * size * 4;
  return Array.from({ length: n }, (_, i) => new ImageData(pixels.subarray(i * one, (i + 1) * one), size, size));
}
