// The hand on the wheel: single moves, slow motion, settings that change while the run goes on, the way back, and forks.

import { make } from "./dom.js";
import { live } from "./live.js";
import { Moves } from "./moves.js";
import { Ask } from "./runs.js";
import { count } from "./sheet.js";
import { t } from "./text.js";

const NUMBERS = ["lr_D", "lr_G", "d_moves", "label_smoothing", "instance_noise"]; // in sight; what else may change is ticked
const WAYS = ["color", "translation", "cutout"];
const PACE = 6; // seconds a round, to begin with

export class Wheel {
  // ask(name, what, more): asks it of that run
  constructor(ask) {
    this.ask = ask;
    this.moves = new Moves();
    const button = (key, what, more) => make("button", { type: "button", class: "plain", onclick: () => this.ask(this.run.name, what, more?.()) }, t(key));
    this.buttons = {
      D: button("wheel_step_D", "move", () => ({ who: "D" })),
      G: button("wheel_step_G", "move", () => ({ who: "G" })),
      both: button("wheel_step_both", "move", () => ({ who: "both" })),
      slow: make("button", { type: "button", class: "plain", onclick: () => this.#slow() }, t("wheel_slow")),
    };
    this.pace = make("input", { type: "range", min: 1, max: 15, step: 1, value: PACE, oninput: () => this.#paced(), onchange: () => this.run?.look.wish === "slow" && this.ask(this.run.name, "slow", { pace: this.seconds }) });
    this.paceWords = make("output");
    this.fields = Object.fromEntries(NUMBERS.map((name) => [name, make("input", { type: "number", step: "any", min: 0, inputmode: "decimal" })]));
    this.ticks = Object.fromEntries([...WAYS, "flip"].map((name) => [name, make("input", { type: "checkbox" })]));
    this.apply = make("button", { type: "submit", class: "accent" }, t("wheel_apply"));
    this.form = make("form", { class: "wheel-form", novalidate: true },
      ...NUMBERS.map((name) => make("label", {}, t(`wheel_${name}`), this.fields[name])),
      make("fieldset", {}, make("legend", {}, t("train_augment")), ...WAYS.map((name) => make("label", {}, this.ticks[name], t(`wheel_${name}`)))),
      make("label", { class: "wheel-tick" }, this.ticks.flip, t("train_flip")),
      this.apply,
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#change();
    });
    this.element = make("details", { class: "wheel" },
      make("summary", {}, t("wheel_title")),
      make("div", { class: "wheel-hand" },
        make("p", { class: "run-about" }, t("wheel_about")),
        make("div", { class: "bar" }, ...Object.values(this.buttons),
          make("label", { class: "wheel-pace" }, t("wheel_pace"), this.pace, this.paceWords))),
      this.moves.element,
      this.settings = make("details", {}, make("summary", {}, t("wheel_settings")), make("p", { class: "run-about" }, t("wheel_settings_about")), this.form),
    );
    this.element.addEventListener("toggle", () => this.draw(this.run, this.may));
    this.#paced();
  }

  get seconds() {
    return Number(this.pace.value);
  }

  #paced() {
    this.paceWords.textContent = t("wheel_seconds", { n: this.seconds });
  }

  #slow() {
    if (this.run.look.wish === "slow") this.ask(this.run.name, "go_on");
    else this.ask(this.run.name, "slow", { pace: this.seconds });
  }

  draw(run, may) {
    Object.assign(this, { run, may });
    if (!run) return;
    const { state, wish } = run.look;
    const going = ["running", "paused"].includes(state);
    this.element.hidden = !going && !run.record.moved;
    for (const button of Object.values(this.buttons)) button.hidden = !may;
    this.pace.parentElement.hidden = !may;
    for (const who of ["D", "G", "both"]) this.buttons[who].disabled = !going;
    this.buttons.slow.disabled = !going;
    this.buttons.slow.setAttribute("aria-pressed", String(wish === "slow"));
    this.buttons.slow.textContent = t(wish === "slow" ? "wheel_fast" : "wheel_slow");
    this.settings.hidden = !may || !going;
    this.#fill();
    const { moved } = run.record;
    if (moved && !this.seen && going) this.element.open = true; // somebody steps: whoever watches wants to see it
    this.seen = Boolean(moved);
    if (this.element.open) this.moves.show(run, moved, run.look.pace ?? this.seconds);
  }

  /** What the run plays with now. */
  get now() {
    return this.run.facts.train ?? {};
  }

  #fill() {
    const now = this.now;
    const text = JSON.stringify([this.run.name, now]);
    if (text === this.filled || (this.form.contains(document.activeElement) && this.filledFor === this.run.name)) return;
    this.filled = text;
    this.filledFor = this.run.name;
    for (const name of NUMBERS) this.fields[name].value = now[name] ?? "";
    for (const name of WAYS) this.ticks[name].checked = (now.augment ?? []).includes(name);
    this.ticks.flip.checked = Boolean(now.flip);
  }

  async #change() {
    const now = this.now;
    const wanted = Object.fromEntries(NUMBERS.filter((name) => this.fields[name].value !== "").map((name) => [name, Number(this.fields[name].value)]));
    wanted.augment = WAYS.filter((name) => this.ticks[name].checked);
    wanted.flip = this.ticks.flip.checked;
    const same = (name) => JSON.stringify(wanted[name]) === JSON.stringify(now[name]);
    const train = Object.fromEntries(Object.entries(wanted).filter(([name]) => !same(name)));
    if (!Object.keys(train).length) return;
    this.apply.focus();
    this.filled = undefined;
    await this.ask(this.run.name, "set", { train });
  }
}

const shown = (settings) => Object.entries(settings).map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(" + ") : Number.isFinite(value) ? +value.toPrecision(3) : value}`).join(", ");

/** The doctor's last advice as something that can be done: now, or in a fork from before it was needed. */
export class Cure {
  // ask(name, what, more): asks it of that run; fork(run, step, settings): opens the question of a fork
  constructor(ask, fork) {
    this.now = make("button", { type: "button", class: "plain", onclick: () => ask(this.run.name, "set", { train: this.advice.cure }) });
    this.fork = make("button", { type: "button", class: "plain", onclick: () => fork(this.run, this.from, this.advice.cure) });
    this.element = make("div", { class: "bar run-cure", hidden: true }, this.now, this.fork);
  }

  draw(run, may) {
    const { facts, look, record } = run;
    const last = record.marks.findLast((mark) => ["advice", "action", "changed", "resumed"].includes(mark.kind));
    const advice = last?.kind === "advice" && Object.keys(last.cure).length ? last : undefined;
    const kept = (look.checkpoints ?? []).filter((step) => step <= advice?.sound);
    Object.assign(this, { run, advice, from: Math.max(...kept, ...(kept.length ? [] : (look.checkpoints ?? []).slice(0, 1))) });
    const names = Object.keys(advice?.cure ?? {});
    this.now.hidden = !advice || !["running", "paused"].includes(look.state) || !names.every((name) => name in (facts.train ?? {}));
    this.fork.hidden = !advice || !Number.isFinite(this.from) || names.includes("dropout_D"); // a fork keeps the players as they are
    this.element.hidden = !may || (this.now.hidden && this.fork.hidden);
    if (this.element.hidden) return;
    this.now.textContent = t("cure_now", { settings: shown(advice.cure) });
    this.fork.textContent = t("cure_fork", { step: count(this.from), settings: shown(advice.cure) });
  }
}

/** What can be done at the step that the time line shows. */
export class Then {
  constructor(ask, open) {
    this.ask = ask;
    this.words = make("span");
    this.back = make("button", { type: "button", class: "plain", onclick: () => this.#back() }, t("then_back"));
    this.fork = make("button", { type: "button", class: "plain", onclick: () => this.dialog.open(this.run, this.step) }, t("then_fork"));
    this.open = make("button", { type: "button", class: "plain run-open", onclick: open }, t("run_open"));
    this.dialog = new Fork(ask);
    this.sure = new Ask();
    this.element = make("div", { class: "run-then bar" }, this.words, this.back, this.fork, this.open);
    this.dialogs = [this.dialog.element, this.sure.element]; // not within, or they would be hidden with it
  }

  draw(run, step, may) {
    Object.assign(this, { run, step });
    const { checkpoints = [], state } = run.look;
    const there = may && checkpoints.some((kept) => kept <= step);
    this.words.textContent = t("then_at", { step: count(step) });
    this.back.hidden = this.fork.hidden = !there;
    this.back.disabled = step >= (run.progress.step ?? 0) || state === "preparing";
    this.open.hidden = !run.record.snapshots.length;
    this.element.hidden = !there && this.open.hidden;
  }

  async #back() {
    const { run, step } = this;
    if (await this.sure.ask(t("then_back_ask", { step: count(step) }), t("then_back"))) this.ask(run.name, "back", { step });
  }
}

/** A run that begins as a copy of this one, with other settings. */
class Fork {
  constructor(ask) {
    this.title = make("h3", { id: "run-fork-title" });
    this.start = make("button", { type: "submit", class: "accent" });
    this.name = make("input", { type: "text", maxlength: 80 });
    this.until = make("input", { type: "text", maxlength: 40, placeholder: "5000, 10m" });
    this.fields = Object.fromEntries(NUMBERS.map((name) => [name, make("input", { type: "number", step: "any", min: 0, inputmode: "decimal" })]));
    this.error = make("p", { class: "message wrong", role: "alert" });
    this.besides = make("p", { class: "run-about" });
    const row = (key, input) => make("label", {}, t(key), input);
    const form = make("form", { class: "wheel-form" }, this.title, make("p", { class: "run-about" }, t("fork_about")),
      row("train_name", this.name), row("fork_until", this.until), ...NUMBERS.map((name) => row(`wheel_${name}`, this.fields[name])),
      this.besides, this.error,
      make("div", { class: "bar" }, this.start,
        make("button", { type: "button", class: "plain", onclick: () => this.element.close() }, t("run_cancel"))));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const filled = Object.fromEntries(NUMBERS.filter((name) => this.fields[name].value !== "").map((name) => [name, Number(this.fields[name].value)]));
      const train = { ...this.others, ...filled };
      this.error.textContent = "";
      if (this.run.active && !(await this.#stopped(ask))) return;
      const answer = await ask(this.run.name, "fork", { step: this.step, name: this.name.value.trim(), until: this.until.value.trim(), train });
      this.error.textContent = answer.error ?? "";
      if (!answer.error) this.element.close();
    });
    this.element = make("dialog", { class: "run-ask", "aria-labelledby": "run-fork-title" }, form);
  }

  /** One machine trains one at a time: its parent is saved and stopped first. Returns whether it was. */
  async #stopped(ask) {
    const { error } = await ask(this.run.name, "stop");
    for (let i = 0; !error && this.run.active && i < 600; i++) await new Promise((later) => setTimeout(later, 100));
    this.error.textContent = error ?? "";
    return !error && !this.run.active;
  }

  /** settings: what the doctor would change */
  open(run, asked, settings = {}) {
    const step = (run.look.checkpoints ?? []).filter((kept) => kept <= asked).at(-1) ?? asked;
    Object.assign(this, { run, step });
    this.start.textContent = t(run.active ? "fork_stop_start" : "fork_start");
    this.others = Object.fromEntries(Object.entries(settings).filter(([name]) => !NUMBERS.includes(name)));
    this.besides.textContent = shown(this.others);
    this.title.textContent = t("fork_title", { name: run.name, step: count(step) });
    this.name.value = "";
    this.error.textContent = "";
    const now = run.facts.train ?? {};
    for (const name of NUMBERS) Object.assign(this.fields[name], { value: settings[name] ?? "", placeholder: now[name] ?? "" });
    this.element.showModal();
  }
}
