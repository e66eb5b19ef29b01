// The live side of the Train tab: which run, how it stands, its curves and its sheet. Fed by the hub in gan_core/ui/live.py.

import { Curves } from "./curves.js";
import { Record } from "./record.js";
import { address } from "./server.js";
import { pixels } from "./sprite.js";
import { lang, t } from "./text.js";

const ACTIVE = ["preparing", "running", "paused"];
const POLL = 3000; // milliseconds between two looks at the list of runs
const PATIENCE = 5000; // milliseconds without the hub before the page says so

const count = (n) => Number(n ?? 0).toLocaleString("en");

function clock(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  return (parts[0] ? parts : parts.slice(1)).map((part, n) => (n ? String(part).padStart(2, "0") : part)).join(":");
}

const PAGE = `
<section class="run" aria-label="${t("tab_train")}">
  <div class="run-empty"><p class="run-empty-title"></p><p></p></div>
  <div class="run-full" hidden>
    <header class="run-head">
      <label class="run-choose"><span></span><select></select></label>
      <strong class="run-state"></strong>
      <span class="run-buttons">
        <button type="button" class="run-toggle"></button>
        <button type="button" class="run-stop"></button>
        <button type="button" class="run-open"></button>
      </span>
    </header>
    <div class="run-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><i></i></div>
    <p class="run-numbers"></p>
    <p class="run-about"></p>
    <div class="run-note" hidden><p></p><details><summary></summary><pre></pre></details></div>
    <p class="run-lost" role="status" hidden></p>
    <div class="run-views">
      <figure class="run-sheet">
        <figcaption><b></b> <span></span></figcaption>
        <button type="button" class="run-picture" hidden><img alt=""></button>
        <p class="run-wait"></p>
        <div class="run-back" hidden><label><span></span><input type="range" min="0" step="1"></label><output></output></div>
        <label class="run-crisp"><input type="checkbox" checked><span></span></label>
      </figure>
      <div class="run-charts">
        <h4></h4><div class="run-chart run-losses"></div>
        <h4></h4><div class="run-chart run-beliefs"></div>
        <h4 class="run-measured"></h4><div class="run-chart run-measured run-distance"></div>
        <p class="run-wait"></p>
        <div class="run-formulas"></div>
      </div>
    </div>
    <dialog class="run-large"><button type="button"></button><img alt=""></dialog>
  </div>
  <p class="run-said" aria-live="polite"></p>
</section>`;

class GanTrain extends HTMLElement {
  connectedCallback() {
    if (this.childElementCount) return; // moved, not new
    Object.assign(this, { record: new Record(), facts: {}, look: {}, runs: [], picked: false, busy: false });
    this.innerHTML = PAGE;
    this.$ = (selector) => this.querySelector(selector);
    this.words();
    this.listen();
    this.poll();
    setInterval(() => this.visible && this.poll(), POLL);
  }

  // `server` is Gradio's: it calls the functions of ours in train_tab.py.
  connect(server) {
    this.server = server;
  }

  get visible() {
    return !document.hidden && this.offsetParent !== null;
  }

  words() {
    const set = (selector, key) => (this.$(selector).textContent = t(key));
    set(".run-empty-title", "run_none");
    set(".run-empty p:last-child", "run_none_about");
    set(".run-choose span", "run_choose");
    set(".run-stop", "run_stop");
    set(".run-open", "run_open");
    set(".run-note summary", "run_log");
    set(".run-lost", "run_lost");
    set(".run-sheet b", "run_sheet");
    set(".run-sheet figcaption span", "run_sheet_about");
    set(".run-sheet .run-wait", "run_sheet_wait");
    set(".run-charts .run-wait", "run_curve_wait");
    set(".run-back span", "run_look_back");
    set(".run-crisp span", "run_crisp");
    set(".run-large button", "run_close");
    this.$(".run-bar").ariaLabel = t("run_progress");
    this.$(".run-picture").title = t("run_enlarge");
  }

  listen() {
    this.$("select").addEventListener("change", (event) => this.pick(event.target.value));
    this.$(".run-toggle").addEventListener("click", () => this.toggle());
    this.$(".run-stop").addEventListener("click", () => this.ask("stop"));
    this.$(".run-open").addEventListener("click", () => this.open());
    this.$(".run-back input").addEventListener("input", (event) => this.lookBack(Number(event.target.value)));
    this.$(".run-crisp input").addEventListener("change", (event) => (pixels.crisp = event.target.checked));
    const crisp = () => {
      this.$(".run-crisp input").checked = pixels.crisp;
      this.classList.toggle("run-smooth", !pixels.crisp);
    };
    document.addEventListener("studio:crisp", crisp);
    crisp();
    const large = this.$(".run-large");
    this.$(".run-picture").addEventListener("click", () => large.showModal());
    large.addEventListener("click", () => large.close());
    document.addEventListener("studio:run", (event) => this.pick(event.detail)); // the form has started one
    document.addEventListener("visibilitychange", () => this.visible && this.poll());
    new ResizeObserver(() => this.visible && this.poll()).observe(this); // the tab has been opened
    new MutationObserver(() => this.charts?.forEach((chart) => chart.redraw())).observe(document.body, { attributeFilter: ["class"] });
  }

  // ---- which run ----

  async poll() {
    if (this.polling) return;
    this.polling = true;
    try {
      const answer = await fetch(address("runs"));
      this.runs = (await answer.json()).runs;
      this.list();
    } catch {
      // the app is away; the lost connection is said elsewhere
    } finally {
      this.polling = false;
    }
  }

  list() {
    const { runs } = this;
    const going = runs.find((run) => ACTIVE.includes(run.state));
    const here = runs.some((run) => run.name === this.name);
    if (!this.picked && going && !ACTIVE.includes(this.look.state)) this.watch(going.name);
    else if (!this.name && runs.length) this.watch(runs[0].name);
    const names = here || !this.name ? runs : [{ name: this.name, state: this.look.state ?? "preparing" }, ...runs];
    const wanted = JSON.stringify([names.map((run) => [run.name, run.state]), this.name]);
    if (wanted === this.listed) return; // an open list must not be rebuilt under somebody's hand
    this.listed = wanted;
    this.$("select").replaceChildren(...names.map((run) => new Option(`${run.name} · ${t(`run_state_${run.state}`)}`, run.name, false, run.name === this.name)));
    this.$(".run-empty").hidden = names.length > 0;
    this.$(".run-full").hidden = names.length === 0;
  }

  pick(name) {
    if (!name) return;
    this.picked = !ACTIVE.includes(this.runs.find((run) => run.name === name)?.state ?? "preparing");
    this.watch(name);
    this.poll();
  }

  watch(name) {
    if (this.name === name && this.source) return;
    this.source?.close();
    this.name = name;
    this.record = new Record();
    this.facts = {};
    this.look = {};
    this.spoken = undefined;
    this.complaint = "";
    this.back = undefined;
    this.shown = undefined;
    this.beats = [];
    this.$(".run-picture").hidden = true;
    this.chartsFor = undefined;
    this.tune();
    this.list();
    this.draw();
  }

  // ---- the stream ----

  tune() {
    const source = (this.source = new EventSource(address(`runs/${encodeURIComponent(this.name)}/events`)));
    const on = (kind, take) =>
      source.addEventListener(kind, (event) => {
        if (source !== this.source) return;
        this.found();
        take(JSON.parse(event.data));
        this.later();
      });
    on("run", (facts) => (this.facts = facts));
    on("history", (data) => this.record.whole(data));
    on("told", (events) => this.record.told(events));
    on("status", (look) => this.stand(look));
    source.onerror = () => source === this.source && this.lose();
  }

  lose() {
    this.losing ??= setTimeout(() => (this.$(".run-lost").hidden = false), PATIENCE);
    if (this.source.readyState === EventSource.CLOSED) setTimeout(() => this.source.readyState === EventSource.CLOSED && this.tune(), 2000);
  }

  found() {
    clearTimeout(this.losing);
    this.losing = undefined;
    this.$(".run-lost").hidden = true;
  }

  stand(look) {
    const changed = look.state !== this.look.state;
    this.look = look;
    if (look.state === "running") this.beats = [...this.beats.slice(-8), [performance.now() / 1000, look.step]];
    else this.beats = [];
    if (changed) this.poll();
  }

  // Several messages may come at once: draw once.
  later() {
    this.due ??= requestAnimationFrame(() => {
      this.due = undefined;
      this.draw();
    });
  }

  // ---- what a person asks ----

  async ask(what) {
    if (this.busy) return;
    this.busy = true;
    this.buttons();
    try {
      this.complaint = await this.server.ask({ name: this.name, what, lang });
    } catch {
      this.complaint = t("run_lost");
    } finally {
      this.busy = false;
      this.draw();
      this.poll();
    }
  }

  toggle() {
    return this.ask(this.look.state === "running" ? "pause" : "go_on");
  }

  open() {
    document.dispatchEvent(new CustomEvent("studio:open-model", { detail: { model: `run:${this.name}` } }));
    [...document.querySelectorAll('button[role="tab"]')].find((tab) => tab.textContent.trim() === t("tab_generate"))?.click();
  }

  // ---- drawing ----

  draw() {
    this.buttons();
    this.numbers();
    this.note();
    this.sheet();
    this.curves();
    this.say();
  }

  get state() {
    const { state, wish } = this.look;
    if (wish === "stop" && ACTIVE.includes(state)) return "stopping";
    return wish === "pause" && state === "running" ? "pausing" : (state ?? "preparing");
  }

  buttons() {
    const { state, can_go_on, can_open } = this.look;
    const toggle = this.$(".run-toggle");
    const goes = state === "paused" || can_go_on;
    toggle.textContent = t(goes ? "run_go_on" : "run_pause");
    toggle.hidden = !(state === "running" || goes);
    this.$(".run-stop").hidden = !ACTIVE.includes(state);
    this.$(".run-open").hidden = !can_open;
    const waiting = this.busy || ["pausing", "stopping"].includes(this.state);
    toggle.disabled = this.busy || this.state === "stopping" || this.state === "pausing";
    this.$(".run-stop").disabled = waiting && this.state !== "pausing";
    const badge = this.$(".run-state");
    badge.textContent = t(`run_state_${this.state}`);
    badge.dataset.state = state ?? "preparing";
    this.closest(".train-row")?.classList.toggle("run-going", ACTIVE.includes(state));
  }

  // Steps done, seconds trained, and what is left: all by steps, so that they stand still while the run is paused.
  get progress() {
    const { record, facts, look } = this;
    const step = Math.max(record.last("step") ?? 0, look.step ?? 0);
    const rate = record.rate ?? this.beatRate;
    const seconds = (record.last("seconds") ?? 0) + (rate ? Math.max(0, step - (record.last("step") ?? 0)) / rate : 0);
    const share = facts.seconds ? seconds / facts.seconds : facts.steps ? step / facts.steps : 0;
    const left = facts.seconds ? facts.seconds - seconds : rate && facts.steps ? (facts.steps - step) / rate : undefined;
    return { step, seconds, left, share: look.state === "finished" ? 1 : Math.min(1, share) };
  }

  // Before the first report: by the steps in status.json and our own clock.
  get beatRate() {
    const [first, last] = [this.beats?.[0], this.beats?.at(-1)];
    const rate = first && last ? (last[1] - first[1]) / (last[0] - first[0]) : NaN;
    return Number.isFinite(rate) && rate > 0 ? rate : undefined;
  }

  numbers() {
    const { facts, look, record } = this;
    const { step, seconds, left, share } = this.progress;
    const percent = Math.floor(100 * share);
    this.$(".run-bar i").style.width = `${100 * share}%`;
    this.$(".run-bar").ariaValueNow = percent;
    const going = ["running", "paused"].includes(look.state);
    const words = [facts.seconds || !facts.steps ? t("run_step_only", { step: count(step) }) : t("run_step", { step: count(step), steps: count(facts.steps) })];
    if (going && left !== undefined) words.push(t("run_left", { time: clock(left) }));
    if (seconds) words.push(t("run_trained", { time: clock(seconds) }));
    const speed = record.last("speed");
    if (look.state === "running" && speed) words.push(t("run_speed", { n: count(speed >= 10 ? Math.round(speed) : speed) }));
    if (facts.machine) words.push(facts.machine.split(",")[0]);
    this.$(".run-numbers").replaceChildren(...words.map((word) => Object.assign(document.createElement("span"), { textContent: word })));
    const about = facts.preset ? t("run_about", { data: facts.data, preset: facts.preset, size: facts.image_size, batch: facts.batch_size }) : "";
    const unread = facts.unreadable ? t("run_unreadable", { n: count(facts.unreadable) }) : "";
    this.$(".run-about").textContent = [about, unread].filter(Boolean).join(". ");
  }

  // What went wrong, in a sentence, with the last lines of the log.
  note() {
    const { look } = this;
    const why = lang === "zh" ? look.why_zh || look.why : look.why;
    let sentence = "";
    if (look.state === "failed") sentence = why || t("run_state_failed");
    if (look.state === "dead") sentence = look.step ? t("run_dead", { step: count(look.step) }) : t("run_dead_early");
    if (look.state === "gone") sentence = t("run_gone");
    if (look.can_go_on && look.state !== "stopped") sentence += ` ${t("run_go_on_hint")}`;
    const advice = this.record.advice.at(-1);
    const text = [this.complaint, sentence, advice?.[lang]].filter(Boolean).join(" ");
    const note = this.$(".run-note");
    note.hidden = !text;
    note.dataset.state = look.state;
    if (note.querySelector("p").textContent !== text) note.querySelector("p").textContent = text;
    const log = (look.log ?? []).join("\n");
    note.querySelector("details").hidden = !log;
    note.querySelector("pre").textContent = log;
  }

  sheet() {
    const { samples } = this.record;
    const range = this.$(".run-back input");
    this.$(".run-sheet .run-wait").hidden = samples.length > 0;
    this.$(".run-back").hidden = samples.length < 2;
    if (!samples.length) return;
    const at = this.back === undefined ? samples.length - 1 : Math.max(0, samples.findLastIndex((s) => s.step <= this.back));
    range.max = samples.length - 1;
    range.value = at;
    const text = `${t("run_axis")} ${count(samples[at].step)}${at === samples.length - 1 ? ` (${t("run_newest")})` : ""}`;
    this.$(".run-back output").textContent = text;
    range.ariaValueText = text;
    this.show(samples[at]);
  }

  lookBack(index) {
    const { samples } = this.record;
    this.back = index >= samples.length - 1 ? undefined : samples[index].step;
    this.sheet();
  }

  // The next sheet is decoded before it takes the place of the last: no flicker.
  async show({ step, version }) {
    if (this.shown === version) return;
    this.shown = version;
    const file = `${String(step).padStart(6, "0")}.webp?v=${version}`;
    const next = new Image();
    next.src = address(`runs/${encodeURIComponent(this.name)}/samples/${file}`);
    try {
      await next.decode();
    } catch {
      if (this.shown === version) this.shown = undefined; // deleted meanwhile
      return;
    }
    if (this.shown !== version) return; // a newer one was faster
    for (const image of this.querySelectorAll(".run-picture img, .run-large img")) {
      image.src = next.src;
      image.alt = t("run_sheet_alt", { step: count(step) });
    }
    this.$(".run-picture").hidden = false;
    this.$(".run-picture").dataset.step = step;
  }

  curves() {
    const { facts, record } = this;
    const empty = record.length === 0;
    this.$(".run-charts > .run-wait").hidden = !empty;
    for (const part of this.querySelectorAll(".run-charts h4, .run-chart")) part.hidden = empty;
    for (const part of this.querySelectorAll(".run-measured")) part.hidden = record.measures.length === 0;
    if (empty || !facts.loss) return;
    this.prepareCharts();
    const [losses, beliefs, distance] = this.charts;
    losses.set(["step", "loss_D", "loss_G"].map((name) => record.column(name)));
    beliefs.set(["step", "D_x", "D_Gz"].map((name) => record.column(name)));
    distance.set(["step", "distance", "floor"].map((name) => record.measures.map((measure) => measure[name])));
    const n = record.measures.at(-1)?.n;
    for (const part of this.querySelectorAll(".run-measured")) part.title = t("run_distance_about", { n: count(n) });
  }

  prepareCharts() {
    const { facts } = this;
    const wanted = `${this.name} ${facts.loss}`;
    if (this.chartsFor === wanted) return;
    this.chartsFor = wanted;
    this.charts?.forEach((chart) => chart.destroy());
    const [losses, beliefs, distance] = this.querySelectorAll(".run-charts h4");
    distance.textContent = t("run_distance");
    losses.textContent = t("run_losses");
    beliefs.textContent = t(facts.probabilistic ? "run_beliefs" : "run_scores");
    const shared = { sync: "run", xLabel: t("run_axis") };
    this.charts = [
      new Curves(this.$(".run-losses"), { ...shared, lines: [{ label: "D", colour: "#D55E00" }, { label: "G", colour: "#0072B2", dash: [7, 4] }] }),
      new Curves(this.$(".run-beliefs"), {
        ...shared,
        lines: [{ label: "D(x)", colour: "#009E73" }, { label: "D(G(z))", colour: "#CC79A7", dash: [7, 4] }],
        level: facts.probabilistic ? { at: 0.5, text: t("run_guessing") } : undefined,
        range: facts.probabilistic ? [0, 1] : undefined,
      }),
      new Curves(this.$(".run-distance"), {
        ...shared,
        sync: "measures", // its steps are others
        lines: [{ label: t("run_fakes"), colour: "#CC79A7" }, { label: t("run_floor"), colour: "#009E73", dash: [7, 4] }],
      }),
    ];
    this.$(".run-formulas").innerHTML = facts.formula_D
      ? `<p>${t("run_d_minimises")} ${facts.formula_D}</p><p>${t("run_g_minimises")} ${facts.formula_G}</p>`
      : "";
  }

  // For who cannot see it: a word when the state changes, and at every tenth.
  say() {
    const tenth = Math.floor(10 * this.progress.share) * 10;
    const now = `${this.name} ${this.state} ${tenth}`;
    if (now === this.spoken || !this.look.state) return;
    this.spoken = now;
    this.$(".run-said").textContent = `${this.name}: ${t(`run_state_${this.state}`)}, ${tenth} %`;
  }
}

customElements.define("gan-train", GanTrain);
