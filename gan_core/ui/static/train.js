// The live side of the Train tab: the list of runs, and the runs on screen. It joins the parts, each in a file of its own;
// what it draws is told by live.js, where the time line stands is known by timeline.js.

import { Axis } from "./axis.js";
import { Charts } from "./charts.js";
import { make } from "./dom.js";
import { Films } from "./films.js";
import { Happened, signs } from "./happened.js";
import { ACTIVE, live } from "./live.js";
import { MOST, Runs } from "./runs.js";
import { Share, asked, lesson, remember } from "./share.js";
import { count, SheetView } from "./sheet.js";
import { here, missing, near, sheetAddress, want } from "./sheets.js";
import { ask as askServer } from "./server.js";
import { pixels } from "./sprite.js";
import { lang, t } from "./text.js";
import { Timeline } from "./timeline.js";
import { Cure, Then, Wheel } from "./wheel.js";

const AHEAD = 40; // sheets on either side of the time line that are fetched before they are wanted

function clock(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  return (parts[0] ? parts : parts.slice(1)).map((part, n) => (n ? String(part).padStart(2, "0") : part)).join(":");
}

const OWN = "own pictures"; // as train_tab.py calls them

/** A run's settings as the fields of the form have them: see order() in gan_core/ui/train_tab.py. */
function filled({ data, preset, image_size, until, conditional, model, train }) {
  const own = data ? {} : { data: OWN };
  const named = data?.includes("/") ? { data: "hub", hub_id: data } : { data };
  const [, evaluations] = /^no better for (\d+)/.exec(until ?? "") ?? [];
  const [, minutes] = /^([\d.]+)m$/.exec(until ?? "") ?? [];
  const length = evaluations ? [evaluations, "evaluations"] : minutes ? [minutes, "minutes"] : [train.steps ?? until ?? 5000, "steps"];
  const settled = Object.fromEntries(["batch_size", "seed", "ngf", "ndf", "lr_G", "lr_D", "dropout_D"].map((name) => [name, String(({ ...model, ...train })[name] ?? "")]));
  return { ...named, ...own, preset, image_size, length: Number(length[0]), unit: length[1], conditional: Boolean(conditional), loss: train.loss ?? "", augment: train.augment ?? [], flip: Boolean(train.flip), ...settled };
}

class GanTrain extends HTMLElement {
  connectedCallback() {
    if (this.childElementCount) return; // moved, not new
    Object.assign(this, { sheets: new Map(), leaves: new Map(), shown: [], picked: false, busy: false });
    this.build();
    this.listen();
    live.start();
    if (asked.get("run")) {
      const beside = (asked.get("beside") ?? "").split(",").filter((name) => name && name !== asked.get("run"));
      this.picked = true;
      this.watch([asked.get("run"), ...beside.slice(0, MOST - 1)], asked.has("step") ? Number(asked.get("step")) || 0 : undefined);
    }
  }

  // `props` is Gradio's: what is put into props.value arrives at the form.
  connect(props) {
    this.props = props;
  }

  get run() {
    return this.shown[0];
  }

  get record() {
    return this.run?.record;
  }

  get visible() {
    return !document.hidden && this.offsetParent !== null;
  }

  get may() {
    return Boolean(this.run) && !lesson && live.may(this.run);
  }

  // ---- the parts ----

  build() {
    const button = (name, key, onclick) => make("button", { type: "button", class: name, onclick }, t(key));
    this.runs = new Runs();
    this.time = new Timeline();
    this.axis = new Axis();
    this.charts = new Charts();
    this.happened = new Happened((step) => this.time.goTo(step));
    const ask = (name, what, more) => this.askOf(name, what, more); // of the run that was asked about, whichever is on screen by then
    this.wheel = new Wheel(ask);
    this.then = new Then(ask, () => this.open());
    this.cure = new Cure(ask, (...asked) => this.then.dialog.open(...asked));
    this.share = new Share();
    this.filmWords = make("p", { class: "message", role: "status" });
    this.films = new Films(() => [`${this.run.path}/film`, {}], (words, wrong) => {
      this.filmWords.textContent = words;
      this.filmWords.classList.toggle("wrong", Boolean(wrong));
    });
    this.crisp = make("input", { type: "checkbox", role: "switch", onchange: () => (pixels.crisp = this.crisp.checked) });
    this.name = make("h2", { class: "run-name" });
    this.badge = make("strong", { class: "run-state" });
    this.toggleButton = button("run-toggle", "run_pause", () => this.toggle());
    this.stopButton = button("run-stop", "run_stop", () => this.ask("stop"));
    this.discardButton = button("run-discard", "run_discard", () => this.discard());
    this.openButton = button("run-open", "run_open", () => this.open());
    this.shareButton = button("run-share", "share", () => this.share.open(this.run.name, this.time.at));
    this.barFill = make("i");
    this.bar = make("div", { class: "run-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": t("run_progress") }, this.barFill);
    this.numbersLine = make("p", { class: "run-numbers" });
    this.aboutLine = make("p", { class: "run-about" });
    this.noteLine = make("p");
    this.noteLog = make("pre");
    this.noteDetails = make("details", {}, make("summary", {}, t("run_log")), this.noteLog);
    this.noteBox = make("div", { class: "run-note", hidden: true }, this.noteLine, this.cure.element, this.noteDetails);
    this.lost = make("p", { class: "run-lost", role: "status", hidden: true }, t("run_lost"));
    this.wholeButton = make("button", { type: "button", class: "plain", onclick: () => this.whole() }, t("run_whole"));
    this.publicLine = make("p", { class: "run-about", hidden: true });
    this.sheetsBox = make("div", { class: "run-sheets" });
    this.said = make("p", { class: "run-said", "aria-live": "polite" });
    this.empty = make("div", { class: "run-empty" }, make("p", { class: "run-empty-title" }, t("run_none")), make("p", {}, t("run_none_about")));
    this.full = make("div", { class: "run-full", hidden: true },
      make("header", { class: "run-head" }, this.name, this.badge,
        make("span", { class: "run-buttons" }, this.toggleButton, this.stopButton, this.discardButton, this.openButton, this.shareButton)),
      this.bar, this.numbersLine, this.aboutLine, this.noteBox, this.lost,
      this.time.element, this.then.element, this.wheel.element,
      this.views = make("div", { class: "run-views" },
        make("div", { class: "run-left" }, this.sheetsBox,
          make("div", { class: "run-under" },
            make("label", { class: "switch" }, this.crisp, t("run_crisp")),
            this.wholeButton,
            this.filmBox = make("details", { class: "run-film" }, make("summary", {}, t("time_film")), make("p", { class: "run-about" }, t("time_film_about")), this.films.buttons, this.films.bar, this.filmWords))),
        this.charts.element),
      this.axis.element, this.charts.more, this.happened.element,
      this.share.element, ...this.then.dialogs,
    );
    this.replaceChildren(this.section = make("section", { class: "run", "aria-label": t("tab_train") }, this.publicLine, this.runs.element, this.empty, this.full, this.said));
    this.classList.toggle("lesson", lesson);
  }

  drawBounds() {
    const bounds = live.me.public;
    this.publicLine.hidden = !bounds || lesson;
    this.publicLine.textContent = bounds ? t(live.me.zero ? "zero_about" : "public_about", bounds) : "";
  }

  listen() {
    live.addEventListener("runs", () => this.list());
    live.addEventListener("me", () => {
      this.drawBounds();
      this.drawList(); // whose they are
      this.later();
    });
    this.drawBounds(); // it may have been told before anybody listened
    live.addEventListener("lost", () => (this.lost.hidden = false));
    live.addEventListener("found", () => {
      this.lost.hidden = true;
      if (this.complaint === t("server_gone")) this.complain("");
    });
    this.runs.addEventListener("pick", ({ detail }) => this.pick(detail));
    this.runs.addEventListener("compare", ({ detail }) => this.compare(detail));
    this.runs.addEventListener("copy", ({ detail }) => this.copy(detail));
    this.runs.addEventListener("ask", ({ detail: { name, what, ...more } }) => this.askOf(name, what, more));
    this.time.addEventListener("moved", () => this.move());
    this.axis.addEventListener("step", ({ detail }) => this.time.goTo(detail));
    this.axis.addEventListener("chosen", () => this.later());
    this.axis.addEventListener("resized", () => this.later());
    document.addEventListener("studio:run", (event) => this.pick(event.detail)); // the form has started one
    document.addEventListener("visibilitychange", () => this.later());
    new ResizeObserver(() => this.later()).observe(this); // the tab has been opened
    new MutationObserver(() => this.charts.redraw()).observe(document.body, { attributeFilter: ["class"] });
    const crisp = () => {
      this.crisp.checked = pixels.crisp;
      this.classList.toggle("run-smooth", !pixels.crisp);
    };
    document.addEventListener("studio:crisp", crisp);
    crisp();
  }

  // ---- which runs ----

  list() {
    const { cards } = live;
    const going = cards.find((card) => ACTIVE.includes(card.state) && card.name !== this.parting);
    const asking = document.querySelector("dialog[open]"); // who answers a question must not find another run behind it
    if (!this.picked && !asking && going && !this.run?.active) this.watch([going.name]);
    else if (!this.run && cards.length) this.watch([cards[0].name]);
    this.drawList();
  }

  drawList() {
    const { cards } = live;
    const { name } = this.run ?? {};
    const all = !name || cards.some((card) => card.name === name) ? cards : [{ name, state: this.run.look.state ?? "preparing", step: this.run.look.step ?? 0 }, ...cards];
    this.empty.hidden = all.length > 0;
    this.full.hidden = all.length === 0;
    this.runs.element.hidden = all.length === 0;
    this.runs.show(all, name, this.shown.slice(1).map((run) => run.name));
  }

  pick(name) {
    if (!name) return;
    this.picked = true;
    this.watch([name, ...this.shown.slice(1).map((run) => run.name).filter((other) => other !== name)]);
  }

  compare(name) {
    const names = this.shown.map((run) => run.name);
    this.watch(names.includes(name) ? names.filter((other) => other !== name) : [...names, name], this.time.at);
  }

  watch(names, step) {
    const first = names[0] !== this.run?.name;
    const runs = names.map((name) => this.shown.find((run) => run.name === name) ?? this.follow(name));
    for (const run of this.shown) if (!runs.includes(run)) this.leave(run);
    this.shown = runs;
    this.time.pause();
    this.time.at = step;
    if (first) {
      Object.assign(this, { complaint: "", spoken: undefined, wanted: step });
      this.filmWords.textContent = "";
    }
    this.sheetsBox.replaceChildren(...runs.map((run) => this.sheets.get(run).element));
    this.classList.toggle("comparing", runs.length > 1);
    remember({ run: this.picked || names.length > 1 ? names[0] : null, beside: names.slice(1).join(","), step: step ?? null, tab: this.visible ? "train" : undefined });
    this.drawList();
    if (first) this.runs.reveal(names[0]);
    this.later();
  }

  follow(name) {
    const [run, leave] = live.follow(name, () => this.later());
    this.leaves.set(run, leave);
    this.sheets.set(run, new SheetView((cell) => this.axis.choose(cell)));
    return run;
  }

  leave(run) {
    this.leaves.get(run)();
    this.leaves.delete(run);
    this.sheets.get(run).leave();
    this.sheets.delete(run);
  }

  // ---- what a person asks ----

  ask(what, more) {
    return this.askOf(this.run.name, what, more);
  }

  async askOf(name, what, more) {
    if (this.busy) return {};
    this.busy = true;
    this.buttons();
    const answer = await live.ask(name, what, more);
    this.busy = false;
    if (what !== "fork") this.complain(answer.error ?? ""); // a fork's dialog says it itself
    if (answer.name && (what === "fork" || name === this.run?.name)) this.pick(answer.name);
    else if (!answer.error && ["delete", "discard"].includes(what)) this.parting = name; // it is not gone yet
    this.draw();
    return answer;
  }

  complain(sentence) {
    if (!this.run) return;
    this.complaint = sentence;
    this.complained = this.state;
    this.note();
    if (sentence) this.noteBox.scrollIntoView({ block: "nearest" }); // whoever asked may have scrolled away from it
  }

  /** What somebody else deletes stays on screen, with a word; what was deleted here makes room. */
  forget(name) {
    const next = live.cards.find((card) => card.name !== name);
    this.picked = false;
    if (next) this.watch([next.name]);
    else {
      this.shown.forEach((run) => this.leave(run));
      this.shown = [];
      this.drawList();
    }
  }

  toggle() {
    const { state, wish } = this.run.look;
    return this.ask(state === "running" && wish !== "pause" ? "pause" : "go_on");
  }

  async discard() {
    const { name } = this.run;
    if (await this.runs.dialog.ask(t("run_discard_ask", { name }), t("run_discard"))) this.askOf(name, "discard");
  }

  /** For a class: the sheet, its time line and the curves on the whole screen. */
  whole() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.full.requestFullscreen?.();
  }

  /** The model at the time line's step, as Generate names it: before the first snapshot the first. */
  get model() {
    const { at } = this.time;
    const step = at === undefined ? undefined : (this.record.snapshot(at) ?? this.record.snapshots[0]);
    return `run:${this.run.name}${step === undefined ? "" : `@${String(step).padStart(6, "0")}`}`;
  }

  open() {
    const { model } = this;
    document.dispatchEvent(new CustomEvent("studio:open-model", { detail: { model, ...(this.axis.hand && this.axis.latent(this.run)) } }));
    [...document.querySelectorAll('button[role="tab"]')].find((tab) => tab.textContent.trim() === t("tab_generate"))?.click();
  }

  /** The settings of a run, into the form. */
  async copy(name) {
    try {
      this.props.value = { ...filled(await askServer(`runs/${encodeURIComponent(name)}/settings`)), at: Date.now() };
      this.complain(t(this.props.value.data === OWN ? "runs_copied_upload" : "runs_copied", { name }));
    } catch (error) {
      this.complain(error.message);
    }
  }

  // ---- drawing ----

  // Several messages may come at once: draw once; and nothing while nobody looks.
  later() {
    if (!this.run || !this.visible) return;
    this.due ??= requestAnimationFrame(() => {
      this.due = undefined;
      this.draw();
    });
  }

  draw() {
    if (!this.run) return;
    if (this.run.look.state === "gone" && this.run.name === this.parting) return this.forget(this.parting);
    const gone = this.shown.slice(1).filter((run) => run.look.state === "gone");
    if (gone.length) return this.watch(this.shown.filter((run) => !gone.includes(run)).map((run) => run.name), this.time.at);
    if (this.complaint && this.complained !== this.state) this.complaint = ""; // it was said of how things stood then
    if (!live.cards.some((card) => card.name === this.run.name)) this.drawList();
    this.lines();
    this.pictures();
    this.charts.set(this.shown, this.marks);
    this.charts.at(this.time.at);
    this.wheel.draw(this.run, this.may);
    this.happened.draw(this.run);
    this.say();
  }

  lines() {
    this.buttons();
    this.numbers();
    this.note();
    this.below();
  }

  /** The hand has moved the time line: only what stands at a step, and nothing that costs more than a frame. */
  move() {
    const { at } = this.time;
    this.paintSheets();
    this.charts.at(at);
    this.axis.stand(at, (run) => here(this.sheetOf(run)));
    this.fetchLater();
    clearTimeout(this.settled);
    this.settled = setTimeout(() => { // where it comes to rest
      this.below();
      remember({ run: this.run.name, step: at ?? null, tab: "train" });
      document.dispatchEvent(new CustomEvent("studio:time", { detail: { model: this.model } }));
    }, 150);
  }

  below() {
    const { at } = this.time;
    const step = at ?? this.run.progress.step;
    this.then.draw(this.run, step, this.may);
    if (at === undefined) this.then.element.hidden = true;
  }

  get state() {
    const { state, wish } = this.run.look;
    if (["stop", "discard"].includes(wish) && ACTIVE.includes(state)) return "stopping";
    if (wish === "slow" && state === "running") return "slow";
    const back = this.record.marks.findLast((mark) => mark.kind === "resumed");
    if (state === "running" && back?.to > this.run.progress.step) return "returning";
    return wish === "pause" && state === "running" ? "pausing" : (state ?? "preparing");
  }

  buttons() {
    if (!this.run) return;
    const { state, can_go_on, can_open, wish } = this.run.look;
    const may = this.may;
    const goes = state === "paused" || can_go_on;
    const waiting = ["pausing", "stopping"].includes(this.state);
    this.name.textContent = this.run.name;
    this.toggleButton.textContent = t(goes ? "run_go_on" : "run_pause");
    this.toggleButton.hidden = !may || !(state === "running" || goes);
    this.toggleButton.disabled = this.busy || waiting;
    this.toggleButton.classList.toggle("accent", Boolean(goes) && state !== "stopped");
    this.stopButton.hidden = !may || !(ACTIVE.includes(state) || state === "queued");
    this.stopButton.disabled = (this.busy || waiting) && this.state !== "pausing";
    this.discardButton.hidden = !may || !["running", "paused"].includes(state);
    this.discardButton.disabled = this.busy || wish === "discard" || wish === "stop";
    this.openButton.hidden = !can_open;
    this.shareButton.hidden = lesson;
    this.badge.textContent = t(this.state === "queued" && live.me.zero ? "run_state_slices" : `run_state_${this.state}`);
    this.badge.dataset.state = state ?? "preparing";
    this.closest(".train-row")?.classList.toggle("run-going", ACTIVE.includes(state) || asked.has("run")); // whoever follows a link wants the run
  }

  numbers() {
    const { facts, look, record } = this.run;
    const { step, seconds, left, share } = this.run.progress;
    const percent = Math.floor(100 * share);
    this.barFill.style.width = `${100 * share}%`;
    this.bar.ariaValueNow = percent;
    const going = ["running", "paused"].includes(look.state);
    const words = [facts.seconds || !facts.steps ? t("run_step_only", { step: count(step) }) : t("run_step", { step: count(step), steps: count(facts.steps) })];
    if (look.state === "queued" && look.place) words.push(t("run_place", { n: look.place }));
    if (going && left !== undefined) words.push(t("run_left", { time: clock(left) }));
    if (seconds) words.push(t("run_trained", { time: clock(seconds) }));
    const speed = record.last("speed");
    if (look.state === "running" && speed && look.wish !== "slow") words.push(t("run_speed", { n: count(speed >= 10 ? Math.round(speed) : speed) }));
    const device = look.device || facts.machine?.split(",")[0];
    if (device) words.push(device);
    if (going && look.memory) words.push(t("run_memory", { n: count(Math.round(look.memory / 2 ** 20)) }));
    this.numbersLine.replaceChildren(...words.map((word) => make("span", {}, word)));
    const about = facts.preset ? t("run_about", { data: facts.data, preset: facts.preset, size: facts.image_size, batch: facts.batch_size }) : "";
    const unread = facts.unreadable ? t("run_unreadable", { n: count(facts.unreadable) }) : "";
    const watching = !this.may && !lesson && ACTIVE.includes(look.state) ? t("run_watching") : "";
    const slices = live.me.zero ? t("run_slices") : "";
    const limit = look.minutes_left == null ? "" : t("run_minutes_left", { n: count(Math.ceil(look.minutes_left)) });
    this.aboutLine.textContent = [about, unread, watching, slices, limit].filter(Boolean).map((words) => words.replace(/[.。]$/, "")).join(lang === "zh" ? "。" : ". ");
  }

  // What went wrong, in a sentence, with the last lines of the log; and the doctor's last advice.
  note() {
    const { look, record } = this.run;
    const why = lang === "zh" ? look.why_zh || look.why : look.why;
    let sentence = "";
    if (look.state === "failed") sentence = why || t("run_state_failed");
    if (look.state === "stopped") sentence = why; // no GPU was to be had, say
    if (look.state === "dead") sentence = look.step ? t("run_dead", { step: count(look.step) }) : t("run_dead_early");
    if (look.state === "gone") sentence = t("run_gone");
    if (look.can_go_on && ["failed", "dead"].includes(look.state) && this.may) sentence += ` ${t(look.checkpoints?.length === 0 ? "run_again_hint" : "run_go_on_hint")}`;
    const last = record.marks.findLast((mark) => ["advice", "action", "refused"].includes(mark.kind));
    const text = [this.complaint, sentence, last?.[lang]].filter(Boolean).join(" ");
    this.noteBox.hidden = !text;
    this.noteBox.dataset.state = look.state;
    if (this.noteLine.textContent !== text) this.noteLine.textContent = text;
    this.cure.draw(this.run, this.may);
    const log = (look.log ?? []).join("\n");
    this.noteDetails.hidden = !log;
    this.noteLog.textContent = log;
  }

  get marks() {
    return this.shown.flatMap((run) => run.record.marks).filter((mark) => signs[mark.kind]).map((mark) => ({ ...mark, sign: signs[mark.kind] }));
  }

  pictures() {
    const steps = [...new Set(this.shown.flatMap((run) => run.record.steps))].sort((a, b) => a - b);
    if (this.wanted !== undefined && steps.length) { // from the address: whoever follows a link sees what was shown
      this.time.steps = steps;
      this.time.goTo(this.wanted);
      this.wanted = undefined;
    }
    this.time.set(steps);
    this.time.mark(this.marks.map(({ step, sign, kind }) => ({ step, sign, title: t(`happened_${kind}`) })));
    this.filmBox.hidden = steps.length < 2;
    if (this.shown.length === 1) this.sheets.get(this.run).title(t("run_sheet"), t("run_sheet_about"));
    this.paintSheets();
    this.axisWants = this.axis.set(this.shown);
    this.axis.stand(this.time.at, (run) => here(this.sheetOf(run)));
    this.fetchLater();
  }

  sheetOf(run, step = this.time.at) {
    const sample = run.record.sample(step);
    return sample && sheetAddress(run, sample);
  }

  paintSheets() {
    for (const run of this.shown) {
      const view = this.sheets.get(run);
      const sample = run.record.sample(this.time.at);
      const url = sample && sheetAddress(run, sample);
      if (!sample || missing(url)) view.clear(t(sample ? "run_sheet_gone" : "run_sheet_wait", { step: count(sample?.step) }));
      // a hand that is faster than the line sees the nearest sheet that is here until its own comes
      const shown = sample && near(run, run.record.samples.indexOf(sample), AHEAD);
      if (shown) view.paint(here(sheetAddress(run, shown)), shown.step);
      if (this.shown.length > 1) view.title(run.name, sample ? t("time_at", { step: count(sample.step) }) : "");
      view.press(this.axis.chosen.cell);
    }
  }

  fetchLater() {
    this.fetching ??= requestAnimationFrame(() => {
      this.fetching = undefined;
      this.fetch();
    });
  }

  /** First what is shown, then the row, then what the hand may reach next, near things first. */
  fetch() {
    const { steps, index } = this.time;
    const urls = this.shown.map((run) => this.sheetOf(run));
    const around = [];
    for (let d = 1; d <= AHEAD / this.shown.length; d++) around.push(steps[index - d], steps[index + d]);
    const near = around.filter((step) => step !== undefined).flatMap((step) => this.shown.map((run) => this.sheetOf(run, step)));
    want([...new Set([...urls, ...(this.axisWants ?? []), ...near].filter(Boolean))], (url) => {
      if (this.shown.some((run) => this.sheetOf(run) === url)) {
        this.paintSheets(); // also if it did not come
        this.axis.stand(this.time.at, (run) => here(this.sheetOf(run)));
      }
      if (this.axisWants?.includes(url)) this.axis.paint();
    });
  }

  // For who cannot see it: a word when the state changes, and at every tenth.
  say() {
    const tenth = Math.floor(10 * this.run.progress.share) * 10;
    const now = `${this.run.name} ${this.state} ${tenth}`;
    if (now === this.spoken || !this.run.look.state) return;
    this.spoken = now;
    this.said.textContent = `${this.run.name}: ${t(`run_state_${this.state}`)}, ${tenth} %`;
  }
}

customElements.define("gan-train", GanTrain);
