// One round from close by: six stages that light up in the order in which they happen, with the numbers of that very round.

import { make, still } from "./dom.js";
import { address } from "./server.js";
import { count } from "./sheet.js";
import { t } from "./text.js";

const STAGES = ["z", "paint", "real", "fake", "to_D", "to_G"];
const OF = { D: ["z", "paint", "real", "fake", "to_D"], G: ["z", "paint", "fake", "to_G"], both: STAGES };
const ROWS = { real: 0, fake: 1, gradient: 2 }; // of the sprite
const SIDE = 48; // CSS pixels of a picture at most

const digits = (value, n = 3) => (value == null ? "–" : Number(value).toPrecision(n).replace(/\.?0+$/, ""));

export class Moves {
  constructor() {
    this.stages = Object.fromEntries(STAGES.map((name, n) => [name, stage(name, n + 1)]));
    this.title = make("p", { class: "run-about", role: "status" });
    this.element = make("div", { class: "moves-box", hidden: true }, this.title, make("ol", { class: "moves-stages" }, ...STAGES.map((name) => this.stages[name].element)));
  }

  /** Shows a `moved` event of a run, once. `pace`: seconds that the stages take to light up. */
  async show(run, moved, pace) {
    const key = moved && `${run.name} ${moved.step} ${moved.n}`;
    if (key === this.key) return;
    this.key = key;
    this.element.hidden = !moved;
    if (!moved) return;
    const [folder, file] = moved.file.split("/");
    const sprite = await load(address(`${run.path}/${folder}/${file}`));
    if (key !== this.key) return;
    this.#fill(run.facts, moved, sprite);
    this.#light(OF[moved.who] ?? STAGES, moved.slow ? pace : Math.min(pace, 3));
  }

  #fill(facts, moved, sprite) {
    const { stages } = this;
    const believes = facts.probabilistic;
    const belief = (value) => (value == null ? "–" : believes ? `${Math.round(100 * value)} %` : digits(value, 2));
    const pictures = (row, words = []) => sprite ? strip(sprite, row, moved.pictures, moved.size, words) : "";
    const own = { D: "to_D", G: "to_G" };
    stages.z.fill(barcodes(moved.z));
    stages.paint.fill(pictures(ROWS.fake));
    stages.real.fill(pictures(ROWS.real, (moved.D_x ?? []).map(belief)));
    stages.fake.fill(pictures(ROWS.fake, (moved.D_Gz ?? []).map(belief)));
    for (const [who, name] of Object.entries(own)) {
      const moves = (OF[moved.who] ?? STAGES).includes(name);
      stages[name].fill(
        ...(who === "G" ? [pictures(ROWS.gradient), make("p", { class: "run-about" }, t("moves_gradient"))] : []),
        formula(who, facts[`formula_${who}`], moved[`loss_${who}`]),
        who === "D" && facts.penalty ? make("p", { class: "run-about" }, t("moves_penalty")) : "",
        make("p", { class: "moves-shift" }, t(moves ? "moves_shift" : "moves_still", { who, grad: digits(moved[`grad_${who}`]), shift: digits(moved[`shift_${who}`]) })),
        moves ? layers(moved[`layers_${who}`] ?? []) : "",
      );
    }
    this.title.textContent = t(`moves_${moved.who}`, { step: count(moved.step) });
  }

  #light(names, seconds) {
    this.timers?.forEach(clearTimeout);
    const each = still() ? 0 : (1000 * seconds) / names.length;
    const light = (lit) => STAGES.forEach((name) => {
      this.stages[name].element.classList.toggle("lit", names.indexOf(name) <= lit && names.includes(name));
      this.stages[name].element.classList.toggle("now", name === names[lit]);
      this.stages[name].element.classList.toggle("idle", !names.includes(name));
    });
    light(each ? 0 : names.length - 1);
    this.timers = each ? names.slice(1).map((_, k) => setTimeout(light, each * (k + 1), k + 1)) : [];
  }
}

function stage(name, n) {
  const body = make("div", { class: "moves-body" });
  const element = make("li", { class: `moves-stage of-${name}` }, make("h5", {}, make("b", {}, String(n)), " ", t(`moves_stage_${name}`)), body);
  return { element, fill: (...parts) => body.replaceChildren(...parts) };
}

async function load(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image;
  } catch {
    return undefined; // only the newest are kept
  }
}

/** Pictures of one row, with a word under each. */
function strip(sprite, row, n, size, words) {
  const box = make("div", { class: "moves-strip" });
  for (let i = 0; i < n; i++) {
    const canvas = make("canvas", { width: size, height: size, "aria-hidden": "true" });
    canvas.style.maxWidth = `${SIDE}px`;
    canvas.getContext("2d").drawImage(sprite, i * size, row * size, size, size, 0, 0, size, size);
    box.append(make("figure", {}, canvas, words[i] ? make("figcaption", {}, words[i]) : null));
  }
  return box;
}

/** The first numbers of each z, as bars of light and dark. */
function barcodes(latents = []) {
  const box = make("div", { class: "moves-strip" });
  for (const z of latents) {
    const canvas = make("canvas", { width: 4, height: z.length, class: "moves-z", title: z.map((number) => number.toFixed(2)).join("  ") });
    const context = canvas.getContext("2d");
    z.forEach((number, k) => {
      const light = Math.round(255 / (1 + Math.exp(-1.7 * number)));
      context.fillStyle = `rgb(${light} ${light} ${light})`;
      context.fillRect(0, k, 4, 1);
    });
    box.append(make("figure", {}, canvas));
  }
  return box;
}

function formula(who, mathml, loss) {
  const line = make("p", { class: "moves-formula" });
  line.innerHTML = `<span class="of-${who}">loss ${who}</span> = ${t("moves_mean")} ${mathml || ""} = <b>${digits(loss, 4)}</b>`;
  return line;
}

/** The length of each layer's gradient, as bars. */
function layers(named) {
  const most = Math.max(...named.map(([, length]) => length), 1e-12);
  return make("ul", { class: "moves-layers", "aria-label": t("moves_layers") }, ...named.map(([name, length]) => {
    const bar = make("i", {});
    bar.style.width = `${Math.max(1, (100 * length) / most)}%`;
    return make("li", {}, make("span", {}, name), make("span", { class: "moves-bar" }, bar), make("span", {}, digits(length)));
  }));
}
