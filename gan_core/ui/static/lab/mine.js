// My pictures: a collection in the visitor's own browser. Nothing of it leaves the machine, unless it is exported.

import { make } from "../dom.js";
import { number, t } from "../text.js";
import { hand, recipeOf } from "./recipe.js";
import { put } from "./tile.js";

const STORE = "pictures";
const MOST = 500; // pictures; each takes some kilobytes
const MOST_MB = 64; // of a file that is brought in

let opening;

function database() {
  opening ??= new Promise((keep, fail) => {
    const wish = indexedDB.open("dcgan-studio", 1);
    wish.onupgradeneeded = () => wish.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
    wish.onsuccess = () => keep(wish.result);
    wish.onerror = () => fail(wish.error);
  });
  return opening;
}

async function within(mode, work) {
  const store = (await database()).transaction(STORE, mode).objectStore(STORE);
  const wish = work(store);
  return new Promise((keep, fail) => { // once it is written: a full disk is told of at the end
    store.transaction.oncomplete = () => keep(wish.result);
    store.transaction.onabort = () => fail(store.transaction.error ?? wish.error);
  });
}

/** Everything that was kept, the newest first: {id, recipe, name, size, picture: data URL, at}. None where the browser keeps nothing. */
export async function all() {
  try {
    return (await within("readonly", (store) => store.getAll())).reverse();
  } catch { // a private window
    return [];
  }
}

/** Keeps a latent with its picture. false where the browser does not let us, or where there are too many. */
export async function keep(lab, latent) {
  const [image] = await lab.brush.paint([latent]);
  const canvas = make("canvas", {});
  put(canvas, image);
  const entry = { recipe: recipeOf(lab.about, latent), name: lab.about.name, size: lab.about.size, picture: canvas.toDataURL("image/png"), at: Date.now() };
  return add(entry);
}

async function add(entry) {
  try {
    if ((await within("readonly", (store) => store.count())) >= MOST) return false;
    await within("readwrite", (store) => store.add(entry));
    return true;
  } catch {
    return false;
  }
}

export class Mine {
  static toolName = "mine";

  static title = "mine";

  static lead = "mine_lead";

  constructor(lab) {
    this.lab = lab;
    this.kept = [];
    this.list = make("div", { class: "kept" });
    this.empty = make("p", { class: "empty" }, t("mine_empty"));
    this.file = make("input", { type: "file", accept: "application/json,.json", hidden: true, onchange: () => this.#import() });
    const button = (key, onclick) => make("button", { type: "button", class: "plain", onclick }, t(key));
    this.element = make("div", {},
      make("div", { class: "bar" },
        this.out = button("mine_export", () => this.#export()),
        this.in = button("mine_import", () => this.file.click()),
        this.clear = button("mine_clear", () => this.#clear()), this.file),
      this.empty, this.list);
  }

  open() {
    this.sure = false;
    this.clear.textContent = t("mine_clear");
    this.#show();
  }

  async #show() {
    this.kept = await all();
    this.empty.hidden = this.kept.length > 0;
    this.out.disabled = this.clear.disabled = !this.kept.length;
    this.list.replaceChildren(...this.kept.map((entry) => this.#card(entry)));
  }

  #card(entry) {
    const { recipe, name } = entry;
    const words = recipe.seed == null ? name : `${name} · ${t("seed_is", { seed: recipe.seed })}`;
    return make("figure", { class: "kept-picture" },
      make("button", { type: "button", class: "tile", "aria-label": t("mine_open", { name: words }), onclick: () => this.lab.open(recipe, name) }, make("img", { src: entry.picture, alt: "" })),
      make("figcaption", {}, words),
      make("button", { type: "button", class: "plain small", "aria-label": t("mine_remove_of", { name: words }), onclick: () => this.#remove(entry) }, t("mine_remove")));
  }

  async #remove(entry) {
    const i = this.kept.indexOf(entry);
    await within("readwrite", (store) => store.delete(entry.id));
    await this.#show();
    (this.list.children[Math.min(i, this.kept.length - 1)]?.lastChild ?? this.in).focus(); // the button that had it is gone
    this.lab.tray.kept();
    this.lab.say(t("mine_removed"));
  }

  /** Asked twice: it cannot be undone. */
  async #clear() {
    if (!this.sure) {
      this.sure = true;
      this.clear.textContent = t("mine_clear_sure", { n: this.kept.length });
      return;
    }
    await within("readwrite", (store) => store.clear());
    this.open();
    this.in.focus();
    this.lab.tray.kept();
    this.lab.say(t("mine_cleared"));
  }

  #export() {
    const pictures = this.kept.map(({ recipe, name, size, picture, at }) => ({ recipe, name, size, picture, at }));
    hand(new Blob([JSON.stringify({ "dcgan-studio": 1, pictures })], { type: "application/json" }), "my-pictures.json");
    this.lab.say(t("mine_exported", { n: number(pictures.length) }));
  }

  async #import() {
    const [file] = this.file.files;
    this.file.value = "";
    if (!file) return;
    const known = new Set(this.kept.map(identity));
    try {
      const found = checked(file.size <= MOST_MB * 2 ** 20 ? JSON.parse(await file.text()) : null);
      let come = 0;
      for (const entry of found.reverse()) {
        if (known.has(identity(entry))) continue;
        if (!(await add(entry))) break;
        known.add(identity(entry));
        come++;
      }
      this.lab.say(t("mine_imported", { n: number(come), known: number(found.length - come) }));
    } catch {
      this.lab.say(t("mine_wrong", { name: file.name }), true);
    }
    await this.#show();
    this.lab.tray.kept();
  }
}

const identity = ({ recipe }) => `${recipe.model} ${recipe.label} ${recipe.z} ${recipe.y ?? ""}`;

/** The pictures in somebody's file. Throws for anything that ours never holds. */
function checked(value) {
  if (value?.["dcgan-studio"] !== 1 || !Array.isArray(value.pictures)) throw new RangeError("not a collection");
  return value.pictures.slice(0, MOST).map(({ recipe, name, size, picture, at }) => {
    if (typeof recipe?.model !== "string" || recipe.model.length > 200 || typeof recipe.z !== "string" || recipe.z.length > 65536) throw new RangeError("no recipe");
    if (typeof picture !== "string" || !/^data:image\/png;base64,[A-Za-z0-9+/=]{1,700000}$/.test(picture)) throw new RangeError("no picture");
    return { recipe, name: String(name).slice(0, 200), size: Number(size) || 0, picture, at: Number(at) || 0 };
  });
}

