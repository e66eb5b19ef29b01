// The list of runs: a card for each, whoever started it and wherever, with what can be done with a run as a whole.

import { make } from "./dom.js";
import { live } from "./live.js";
import { address } from "./server.js";
import { count } from "./sheet.js";
import { number, t } from "./text.js";

export const MOST = 4; // runs side by side

export class Runs extends EventTarget {
  picked = undefined;
  compared = [];

  constructor() {
    super();
    this.list = make("ul", { class: "runs-list" });
    this.element = make("nav", { class: "runs", "aria-label": t("runs") }, this.list);
    this.items = new Map();
    this.dialog = new Ask();
    this.element.append(this.dialog.element);
  }

  /** Cards come and go, move and change; what has not changed is not touched, since a hand may be on it. */
  show(cards, picked, compared) {
    Object.assign(this, { picked, compared });
    for (const [name, item] of this.items) {
      if (!cards.some((card) => card.name === name)) {
        item.element.remove();
        this.items.delete(name);
      }
    }
    cards.forEach((card, n) => {
      let item = this.items.get(card.name);
      if (!item) this.items.set(card.name, (item = this.#item(card.name)));
      if (this.list.children[n] !== item.element) this.list.insertBefore(item.element, this.list.children[n] ?? null);
      this.#fill(item, card);
    });
  }

  /** Brings a card into sight, and nothing else of the page. */
  reveal(name) {
    const card = this.items.get(name)?.element;
    if (card) this.list.scrollTo({ left: card.offsetLeft - this.list.offsetLeft - 8 });
  }

  #item(name) {
    const say = (kind, detail) => this.dispatchEvent(new CustomEvent(kind, { detail }));
    const item = {
      thumb: make("span", { class: "runs-thumb", "aria-hidden": "true" }),
      state: make("span", { class: "run-state" }),
      name: make("strong", {}, name),
      about: make("span", { class: "runs-about" }),
      numbers: make("span", { class: "runs-numbers" }),
      best: make("span", { class: "runs-numbers" }),
      beside: make("input", { type: "checkbox", onchange: () => say("compare", name) }),
    };
    item.card = make("button", { type: "button", class: "runs-card", onclick: () => say("pick", name) },
      item.thumb, make("span", { class: "runs-words" }, item.name, item.state, item.about, item.numbers, item.best));
    const act = (key, what) => make("button", { type: "button", onclick: () => { item.menu.open = false; what(); } }, t(key));
    item.go_on = act("run_go_on", () => say("ask", { name, what: "go_on" }));
    item.rename = act("runs_rename", () => this.#rename(name));
    item.delete = act("runs_delete", () => this.#delete(name));
    item.menu = make("details", { class: "runs-menu" },
      make("summary", { "aria-label": t("runs_menu", { name }), title: t("runs_menu", { name }) }, "⋯"),
      make("div", {}, make("label", {}, item.beside, t("runs_compare")), item.go_on, act("runs_settings", () => say("copy", name)), item.rename, item.delete));
    item.menu.addEventListener("focusout", (event) => { if (!item.menu.contains(event.relatedTarget)) item.menu.open = false; });
    item.menu.addEventListener("keydown", (event) => { if (event.key === "Escape") { item.menu.open = false; item.menu.firstChild.focus(); } });
    item.menu.addEventListener("toggle", () => item.menu.open && this.#place(item.menu));
    item.element = make("li", {}, item.card, item.menu);
    return item;
  }

  /** The list scrolls sideways and would cut the menu off: it lies over the page instead, under its button. */
  #place(menu) {
    const [button, box] = [menu.firstChild.getBoundingClientRect(), menu.lastChild];
    box.style.top = `${button.bottom + 4}px`;
    box.style.left = `${Math.max(8, Math.min(button.right - box.offsetWidth, innerWidth - box.offsetWidth - 8))}px`;
  }

  #fill(item, card) {
    const here = card.name === this.picked;
    const beside = this.compared.includes(card.name);
    const text = JSON.stringify([card, here, beside, this.compared.length, live.may(card)]);
    if (text === item.text) return;
    item.text = text;
    item.element.classList.toggle("picked", here);
    item.element.classList.toggle("beside", beside);
    item.card.setAttribute("aria-current", String(here));
    item.state.dataset.state = card.state;
    item.state.textContent = card.state === "queued" && card.place ? t("run_place", { n: card.place }) : t(card.state === "queued" && card.slices ? "run_state_slices" : `run_state_${card.state}`);
    item.about.textContent = [card.data, card.preset].filter(Boolean).join(" · ");
    const best = card.best == null ? "" : t("runs_best", { best: number(card.best, 2) });
    item.numbers.textContent = t("run_step_only", { step: count(card.step) });
    item.best.textContent = best;
    if (card.sheet && item.sheet !== card.sheet) {
      item.sheet = card.sheet;
      item.thumb.style.backgroundImage = `url("${address(`runs/${encodeURIComponent(card.name)}/${card.sheet}`)}")`;
    }
    const ended = !["preparing", "running", "paused"].includes(card.state);
    const may = live.may(card);
    item.beside.checked = beside;
    item.beside.disabled = here || (!beside && this.compared.length >= MOST - 1);
    item.go_on.hidden = !may || !["stopped", "failed", "dead"].includes(card.state);
    item.rename.hidden = item.delete.hidden = !may || !ended;
  }

  async #rename(name) {
    const to = await this.dialog.ask(t("runs_rename_ask", { name }), t("runs_rename"), name);
    if (to && to !== name) this.dispatchEvent(new CustomEvent("ask", { detail: { name, what: "rename", to } }));
  }

  async #delete(name) {
    if (await this.dialog.ask(t("runs_delete_ask", { name }), t("runs_delete"))) {
      this.dispatchEvent(new CustomEvent("ask", { detail: { name, what: "delete" } }));
    }
  }
}

/** A question that must be answered first: yes, or a line of text. */
export class Ask {
  static made = 0;

  constructor() {
    const id = `run-ask-${Ask.made++}`;
    this.words = make("p", { id });
    this.line = make("input", { type: "text", maxlength: 80, "aria-labelledby": id });
    this.yes = make("button", { type: "submit", class: "accent" });
    const no = make("button", { type: "button", class: "plain", onclick: () => this.element.close("") }, t("run_cancel"));
    const form = make("form", { method: "dialog" }, this.words, this.line, make("div", { class: "bar" }, this.yes, no));
    this.element = make("dialog", { class: "run-ask", "aria-labelledby": id }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.element.close(this.line.hidden ? "yes" : this.line.value.trim());
    });
  }

  /** Resolves to the text, to "yes" where none is asked for, and to "" for no. */
  ask(words, yes, text) {
    this.words.textContent = words;
    this.yes.textContent = yes;
    this.line.hidden = text === undefined;
    this.line.value = text ?? "";
    this.element.returnValue = "";
    this.element.showModal();
    if (text !== undefined) this.line.select();
    return new Promise((resolve) => this.element.addEventListener("close", () => resolve(this.element.returnValue), { once: true }));
  }
}
