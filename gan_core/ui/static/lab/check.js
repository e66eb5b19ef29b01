// Check: is a picture copied from the training set, is it real? Each test beside what is usual, with what it cannot tell.

import { make } from "../dom.js";
import { ask, Said } from "../server.js";
import { number, t } from "../text.js";
import { Easel } from "./easel.js";
import { kindOf } from "./find.js";
import { bands, heaps, median } from "./heaps.js";
import { recipeOf } from "./recipe.js";
import { Clock, told } from "./told.js";

const FINEST = 0.25; // of the rings: the end at which generators are told

export class Check {
  static toolName = "check";
  static title = "check";
  static lead = "check_lead";
  static anywhere = false; // the training pictures lie on the server

  constructor(lab) {
    this.lab = lab;
    this.easel = new Easel(lab, { changed: () => this.look() });
    this.empty = make("p", { class: "empty" }, t("check_empty"));
    this.copied = make("section", { class: "check-copied", "aria-live": "polite" });
    this.real = make("section", { class: "check-real", "aria-live": "polite" });
    this.out = make("div", { class: "check-out", hidden: true }, this.copied, this.real);
    this.element = make("div", { class: "check" }, this.easel.element, make("div", {}, this.empty, this.out));
  }

  open() {
    this.easel.listen(true);
    if (this.cut) this.look();
  }

  close() {
    this.easel.listen(false);
    this.cut = this.looking;
    this.coming?.abort();
  }

  model(about) {
    this.easel.model(about);
    if (!this.easel.empty) this.look();
  }

  /** Everything anew, for the picture that is there now. */
  async look() {
    this.coming?.abort();
    this.cut = this.looking = false;
    const { easel } = this;
    this.empty.hidden = !easel.empty;
    this.out.hidden = easel.empty;
    if (easel.empty) return;
    this.coming = new AbortController();
    this.looking = true;
    const { signal } = this.coming;
    const body = { model: this.lab.about.key, picture: easel.picture() };
    this.real.replaceChildren(make("h3", {}, t("check_real")), make("p", { class: "fact" }, t("check_going")));
    this.copied.replaceChildren(make("h3", {}, t("check_copied")), make("p", { class: "fact" }, t("check_going")));
    await this.#part(this.real, "check_real", signal, async () => {
      const file = easel.original && (await base64(easel.original));
      return this.#real(await ask("lab/check", {}, { method: "POST", signal, body: JSON.stringify({ ...body, file_kind: easel.kind, ...(file && { file }) }) }));
    });
    if (!signal.aborted) await this.#part(this.copied, "check_copied", signal, () => this.#searched(body, signal));
    if (signal === this.coming.signal) this.looking = false;
  }

  /** A heading, and what came of the work or why nothing did. */
  async #part(place, heading, signal, work) {
    let parts;
    try {
      parts = await work();
    } catch (error) {
      if (error.name === "AbortError") parts = [make("p", { class: "fact" }, t("check_stopped"))];
      else {
        if (!(error instanceof Said)) console.error(error);
        parts = [make("p", { class: "empty" }, error instanceof Said ? error.message : t("went_wrong"))];
      }
    }
    if (signal === this.coming.signal) place.replaceChildren(make("h3", {}, t(heading)), ...parts);
  }

  // is it copied?

  async #searched(body, signal) {
    const bar = make("progress", { max: 1, "aria-label": t("check_copied") });
    const words = make("span", { class: "fact", role: "status" });
    const stop = make("button", { type: "button", class: "plain", onclick: () => this.coming.abort() }, t("check_stop"));
    const waiting = make("div", { class: "bar" }, bar, words, stop);
    let [clock, before] = [new Clock(), ""];
    const late = setTimeout(() => this.copied.replaceChildren(make("h3", {}, t("check_copied")), waiting), 300);
    try {
      return this.#copied(await told("lab/copied", body, ({ done, of, what }) => {
        if (what !== before) [clock, before] = [new Clock(), what];
        bar.value = done / of;
        words.textContent = t("check_left", { what: t(`check_step_${what}`), percent: Math.round((100 * done) / of), seconds: clock.left(done / of) });
      }, signal));
    } finally {
      clearTimeout(late);
    }
  }

  #copied({ tiles, usual, share, verdict, kind, strangers, set, searched, of }) {
    const [nearest] = tiles;
    const those = t(`check_strangers_${kind}`, { n: number(usual.length), about: strangers });
    const tile = ({ picture, distance, label }) => {
      const name = t("check_tile", { label: label ? `${label}, ` : "", distance: number(distance, 2) });
      return make("figure", { title: name }, make("img", { src: picture, alt: name }), make("figcaption", {}, number(distance, 2), label ? make("small", {}, label) : null));
    };
    const yours = make("figure", { class: "yours" }, make("img", { src: this.easel.picture(), alt: t("check_yours") }), make("figcaption", {}, t("check_yours")));
    const here = number(nearest.distance, 3);
    const plot = heaps({
      rows: [{ name: t("check_plot_strangers"), kind: "real", values: usual }], here: [nearest.distance, t("find_plot_here")], axis: t("check_axis"),
      label: t("check_copied_plot", { n: number(usual.length), middle: number(median(usual), 3), least: number(usual[0], 3), here }),
    });
    return [
      make("p", { class: `verdict ${verdict}` }, t(`check_verdict_${verdict}`, { percent: number(100 * share, share < 0.1 ? 1 : 0), strangers: those })),
      make("div", { class: "check-tiles" }, yours, ...tiles.map(tile)),
      plot,
      make("p", { class: "fact" }, t(searched < of ? "check_searched_part" : "check_searched", { searched: number(searched), of: number(of), set })),
      more("check_copied_can"),
    ];
  }

  // is it real?

  #real({ D, spectrum, mark }) {
    return [make("div", { class: "check-cards" }, this.#opinion(D), this.#spectrum(spectrum), this.#mark(mark))];
  }

  #opinion(D) {
    const logit = number(D.logit, 2);
    if (!D.own) return card("check_D", t("check_D_alone", { logit }), null, "check_D_can");
    const percent = (share) => Math.round(100 * share);
    const words = D.real.length
      ? t("check_D_verdict", { logit, own: percent(D.beyond_own), real: percent(D.beyond_real), kind: kindOf(D) })
      : t("check_D_verdict_own", { logit, own: percent(D.beyond_own) });
    const rows = [{ name: t("find_plot_own"), kind: "fake", values: D.own }, { name: t("find_plot_real"), kind: "real", values: D.real }].filter(({ values }) => values.length);
    const label = t("check_D_plot", { own_middle: number(median(D.own), 2), real_middle: D.real.length ? number(median(D.real), 2) : "–", here: logit });
    const asked = this.lab.about.num_classes ? ` ${t("check_D_class")}` : "";
    return card("check_D", words + asked, heaps({ rows, here: [D.logit, t("find_plot_here")], axis: t("check_D_axis"), label }), "check_D_can");
  }

  #spectrum({ curve, own, real }) {
    const shown = [...(own ? [{ kind: "fake", rows: own }] : []), ...(real ? [{ kind: "real", rows: real }] : [])];
    const plot = bands({ curve, bands: shown, axis: t("check_spectrum_axis"), label: t("check_spectrum_plot"), here: t("find_plot_here") });
    if (!real) return card("check_spectrum", t("check_spectrum_alone"), plot, "check_spectrum_can");
    const from = Math.floor(curve.length * (1 - FINEST));
    const inside = curve.slice(from).filter((value, i) => value >= real[0][from + i] && value <= real[2][from + i]);
    const share = Math.round((100 * inside.length) / (curve.length - from));
    return card("check_spectrum", t("check_spectrum_inside", { share }), plot, "check_spectrum_can");
  }

  /** A picture that was taken from the laboratory bears no file; its mark is what it would be saved with. */
  #mark({ state, model, step, seed }) {
    const where = [step == null ? "" : t("check_mark_step", { step }), seed == null ? "" : t("check_mark_seed", { seed })].join("");
    const taken = this.easel.latent && recipeOf(this.lab.about, this.easel.latent);
    if (taken) return card("check_mark", t("check_mark_taken", { model: plain(taken.model) }), null, "check_mark_can");
    return card("check_mark", t(`check_mark_${state}`, { model: model && plain(model), where }), null, "check_mark_can", state);
  }
}

function card(heading, words, plot, can, state = "") {
  return make("article", { class: `check-card ${state}` }, make("h4", {}, t(heading)), make("p", { class: "verdict" }, words), plot, more(can));
}

/** A model as it is called in the list, without the place it lies in. */
const plain = (model) => model.replace(/^(shipped|run):/, "");

const more = (key) => make("details", { class: "more" }, make("summary", {}, t("check_can")), make("p", {}, t(key)));

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
