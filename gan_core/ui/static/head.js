// The head of the page: a slow walk through the best model, and the two switches.

import { face, hand, iconButton, make, still } from "./dom.js";
import { askSprite, Said } from "./server.js";
import { draw, fit } from "./sprite.js";
import { languageSwitch, lightSwitch } from "./switches.js";
import { t } from "./text.js";

const SECONDS = 40; // once round the walk: slow enough to follow, quick enough to notice
const TILE = 104; // CSS pixels, about
const SMALL_TILE = 64; // on a phone

class StudioHead extends HTMLElement {
  connectedCallback() {
    this.replaceChildren(
      make("div", { class: "head-bar" },
        make("h1", {}, t("title")),
        make("p", { class: "tagline" }, t("tagline")),
        make("div", { class: "switches" }, languageSwitch(), lightSwitch()),
      ),
    );
    this.append(this.strip = make("div", { class: "strip" }));
    this.canvas = make("canvas", { role: "img", "aria-label": t("hero_alt") });
    this.button = iconButton("pause", t("pause"), () => this.toggle(), { class: "icon-button strip-button" });
    this.playing = !still();
    this.start();
  }

  disconnectedCallback() {
    this.resized?.disconnect();
    cancelAnimationFrame(this.frame);
  }

  async start() {
    try {
      this.sprite = await askSprite("hero");
    } catch (error) {
      if (error instanceof Said) return; // Generate says what is wrong
      throw error;
    }
    this.strip.append(this.canvas, this.button);
    this.time = 0;
    this.face();
    this.resized = new ResizeObserver(() => this.paint());
    this.resized.observe(this.strip);
    this.tick(performance.now());
  }

  toggle() {
    this.playing = !this.playing;
    this.face();
    this.tick(performance.now());
  }

  face() {
    face(this.button, this.playing ? "pause" : "play", t(this.playing ? "pause" : "play"));
  }

  tick(now, before = now) {
    cancelAnimationFrame(this.frame);
    if (!hand.moves) {
      this.time += Math.min(now - before, 100) / 1000;
      this.paint();
    }
    if (this.playing) this.frame = requestAnimationFrame((later) => this.tick(later, now));
  }

  /** Each tile is as far round the same walk as it stands to the right; two frames melt into each other. */
  paint() {
    const width = this.strip.clientWidth;
    if (!width) return;
    const tiles = Math.max(4, Math.round(width / (width < 640 ? SMALL_TILE : TILE)));
    const side = width / tiles;
    const context = fit(this.canvas, width, side);
    const ratio = context.canvas.width / width;
    context.imageSmoothingEnabled = true;
    const { n } = this.sprite;
    for (let i = 0; i < tiles; i++) {
      const at = ((this.time / SECONDS + i / tiles) % 1) * n;
      const [x0, x1] = [Math.round(i * side * ratio), Math.round((i + 1) * side * ratio)];
      context.globalAlpha = 1;
      draw(context, this.sprite, Math.floor(at), x0, 0, x1 - x0, context.canvas.height);
      context.globalAlpha = at % 1;
      draw(context, this.sprite, Math.floor(at + 1) % n, x0, 0, x1 - x0, context.canvas.height);
    }
  }
}

customElements.define("studio-head", StudioHead);
