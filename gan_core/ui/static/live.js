// All that this page hears of runs, through one EventSource: a browser gives a host six connections, and others need them.
// Fed by the hub in gan_core/ui/live.py.

import { memory } from "./dom.js";
import { Record } from "./record.js";
import { address } from "./server.js";
import { lang, t } from "./text.js";

const PATIENCE = 5000; // milliseconds without the hub before the page says so
const AGAIN = 2000; // milliseconds until a closed stream is opened anew
const SILENT = 40_000; // milliseconds without a word, not even the server's ping: the line is dead, or the app hangs
const ASLEEP = 60_000; // milliseconds between two ticks of a clock after which the machine has slept, and the line is dead

export const ACTIVE = ["preparing", "running", "paused"];

/** A run as it is told: its record, what does not change (facts), and how it stands (look). */
class Run {
  constructor(name) {
    Object.assign(this, { name, record: new Record(), facts: {}, look: {}, beats: [], hearers: new Set() });
  }

  get active() {
    return ACTIVE.includes(this.look.state);
  }

  get path() {
    return `runs/${encodeURIComponent(this.name)}`;
  }

  hear(kind, data) {
    if (kind === "run") this.facts = data;
    if (kind === "history") this.record.whole(data);
    if (kind === "told") this.record.told(data);
    if (kind === "status") this.stand(data);
    for (const hearer of [...this.hearers]) hearer(kind, data);
  }

  stand(look) {
    this.look = look;
    if (look.state === "running") this.beats = [...this.beats.slice(-8), [performance.now() / 1000, look.step]];
    else this.beats = [];
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
    const [first, last] = [this.beats[0], this.beats.at(-1)];
    const rate = first && last ? (last[1] - first[1]) / (last[0] - first[0]) : NaN;
    return Number.isFinite(rate) && rate > 0 ? rate : undefined;
  }
}

class Live extends EventTarget {
  cards = [];
  me = { open: false, teacher: false };
  #runs = new Map();
  #names = "";

  constructor() {
    super();
    this.known = this.meet();
    addEventListener("online", () => this.#open());
    let ticked = Date.now();
    setInterval(() => {
      const now = Date.now();
      if (now - this.heardAt > SILENT) this.#tell("lost");
      if (now - ticked > ASLEEP || now - this.heardAt > SILENT) this.#open();
      ticked = now;
    }, ASLEEP / 6);
  }

  /** Who the server takes this visitor for. */
  async meet() {
    try {
      this.me = await (await fetch(address("me"), { headers: this.#headers })).json();
      this.#tell("me");
    } catch { /* the lost connection is said elsewhere */ }
  }

  /** Shows a key. Returns whether it opens anything; one that does not is not kept. */
  async show(key) {
    if (!/^[!-~]+$/.test(key)) return false; // no header can carry it
    const before = memory.get("key") ?? "";
    memory.set("key", key);
    await this.meet();
    if (!this.me.teacher) memory.set("key", before);
    return this.me.teacher;
  }

  may(run) {
    const owner = run.look?.owner ?? run.owner;
    return Boolean(this.me.open || this.me.teacher || (owner && owner === this.me.id));
  }

  /** Hear of a run until the returned function is called; all who follow it share one record. */
  follow(name, hearer) {
    const run = this.#runs.get(name) ?? new Run(name);
    this.#runs.set(name, run);
    run.hearers.add(hearer);
    this.started = true;
    this.#soon();
    const leave = () => {
      run.hearers.delete(hearer);
      if (!run.hearers.size && this.#runs.get(name) === run) this.#runs.delete(name);
      this.#soon();
    };
    return [run, leave];
  }

  /** Asks something of a run. Returns the answer; `error` in it is a sentence. */
  async ask(name, what, more = {}) {
    try {
      const answer = await fetch(address(`runs/${encodeURIComponent(name)}/ask`, { lang }), {
        method: "POST", headers: { ...this.#headers, "content-type": "application/json" }, body: JSON.stringify({ what, ...more }),
      });
      return await answer.json();
    } catch {
      return { error: t("server_gone") };
    }
  }

  start() {
    this.started = true;
    this.#open();
  }

  get #headers() {
    const key = memory.get("key");
    return { "x-studio-visitor": window.STUDIO_VISITOR, ...(/^[!-~]+$/.test(key ?? "") && { "x-studio-key": key }) };
  }

  #soon() {
    this.due ??= setTimeout(() => {
      this.due = undefined;
      if (this.started && [...this.#runs.keys()].sort().join("\n") !== this.#names) this.#open();
    });
  }

  #open() {
    if (!this.started) return;
    const names = [...this.#runs.keys()].sort();
    const same = this.source && this.#names === names.join("\n");
    this.#names = names.join("\n");
    this.source?.close();
    const url = address("live");
    names.forEach((name) => url.searchParams.append("run", name));
    if (same && this.last) url.searchParams.set("last", this.last); // only what was missed
    const source = (this.source = new EventSource(url));
    this.heardAt = Date.now();
    const on = (kind, take) =>
      source.addEventListener(kind, (event) => {
        if (source !== this.source) return;
        this.heardAt = Date.now();
        this.#found();
        this.last = event.lastEventId || this.last;
        take(JSON.parse(event.data));
      });
    on("ping", () => {});
    on("runs", (cards) => {
      this.cards = cards;
      this.#tell("runs");
    });
    for (const kind of ["run", "history", "told", "status"]) on(kind, ({ run, data }) => this.#runs.get(run)?.hear(kind, data));
    source.onerror = () => source === this.source && this.#lose(source);
  }

  #lose(source) {
    this.losing ??= setTimeout(() => this.#tell("lost"), PATIENCE);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => source === this.source && this.#open(), AGAIN);
  }

  #found() {
    clearTimeout(this.losing);
    if (this.losing) this.meet(); // an app that was started again may have another key
    this.losing = undefined;
    this.#tell("found");
  }

  #tell(kind) {
    this.dispatchEvent(new Event(kind));
  }
}

export const live = new Live();
