// The pictures at hand: some by their seeds, and those that the visitor kept. Every tool takes its pictures from here.

import { make } from "../dom.js";
import { t } from "../text.js";
import { ofSeed } from "./latent.js";
import { all } from "./mine.js";
import { latentOf } from "./recipe.js";
import { tile } from "./tile.js";

const SOME = 12; // pictures at first, and as many more each time

export class Tray {
  constructor(lab) {
    this.lab = lab;
    this.tiles = make("div", { class: "tiles", role: "group", "aria-label": t("lab_tray") });
    this.element = make("div", { class: "tray" }, make("h3", {}, t("lab_tray")), this.tiles);
    this.more = make("button", { type: "button", class: "plain tray-more", onclick: () => this.#more() }, t("lab_more_pictures", { n: SOME }));
    this.dialog = make("dialog", { class: "picker" });
    this.element.append(this.dialog);
  }

  // same: it is the model that was open, further on
  model(same = false) {
    if (!same) this.seeds = SOME;
    this.#list();
  }

  kept() {
    this.#list();
  }

  async latents() {
    const { about } = this.lab;
    const bySeed = Array.from({ length: this.seeds }, (_, seed) => ofSeed(about, seed));
    const kept = [];
    for (const { recipe } of await all()) {
      try { if (recipe.model === about.key.split("@")[0]) kept.push(latentOf(about, recipe)); } catch { /* of another shape */ }
    }
    return [...kept, ...bySeed];
  }

  async #list() {
    const { about } = this.lab;
    const latents = await this.latents();
    if (about !== this.lab.about) return;
    const focused = document.activeElement === this.more;
    this.tiles.replaceChildren(...latents.map((latent) => this.#tile(latent, (chosen) => this.lab.take(chosen))), this.more);
    if (focused) this.more.focus();
  }

  #tile(latent, onclick) {
    return tile(this.lab, latent, latent.seed == null ? t("lab_tile_kept") : t("picture_of_seed", { seed: latent.seed }), onclick);
  }

  #more() {
    this.seeds += SOME;
    this.#list();
  }

  /** Asks for one of the pictures at hand, the one in hand among them. Resolves with a latent, or null. */
  async pick(title) {
    const latents = [this.lab.hand, ...(await this.latents())];
    return new Promise((resolve) => {
      const done = (latent) => { this.dialog.close(); resolve(latent); };
      this.dialog.setAttribute("aria-label", title);
      this.dialog.replaceChildren(
        make("h3", {}, title),
        make("div", { class: "tiles", role: "group" }, ...latents.map((latent, i) => {
          const button = this.#tile(latent, done);
          if (!i) button.classList.add("current");
          if (!i) button.setAttribute("aria-label", t("lab_this_one"));
          return button;
        })),
        make("div", { class: "bar" }, make("button", { type: "button", class: "plain", onclick: () => done(null) }, t("close"))));
      this.dialog.onclose = () => resolve(null);
      this.dialog.showModal();
    });
  }
}
