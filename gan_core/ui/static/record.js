// What a page knows of a run, as the hub tells it: see gan_core/ui/story.py.

export const COLUMNS = ["step", "seconds", "speed", "loss_D", "loss_G", "D_x", "D_Gz", "grad_D", "grad_G", "sure"];
const MOST = 8000; // points; then neighbours are joined, which no screen shows

export class Record {
  constructor() {
    this.#clear();
  }

  #clear() {
    this.columns = COLUMNS.map(() => []);
    this.samples = []; // [{step, version}]
    this.snapshots = []; // [step]
    this.measures = []; // [{step, distance, floor, n}]
    this.vitals = []; // [{step, spread, apart, twins, ...}]
    this.marks = []; // what happened, besides: [{step, kind, ...}]
    this.moved = undefined; // the last move that was watched from close by
  }

  whole({ reports, told }) {
    this.#clear();
    this.columns = COLUMNS.map((_, n) => reports[n] ?? (reports[0] ?? []).map(() => null));
    for (const [kind, step, ...rest] of told) this.#take(kind, step, rest); // what no longer holds has been left out
  }

  told(events) {
    for (const [kind, step, ...rest] of events) {
      if (kind === "resumed") this.#forgetAfter(step, rest[0]);
      this.#take(kind, step, rest);
    }
    if (this.columns[0].length > MOST) this.columns = this.columns.map(halve);
  }

  #take(kind, step, rest) {
    const mark = (more) => this.marks.push({ kind, step, ...more });
    if (kind === "report") COLUMNS.forEach((_, n) => this.columns[n].push(n ? (rest[n - 1] ?? null) : step));
    else if (kind === "sample") this.samples = [...this.samples.filter((s) => s.step < step), { step, version: rest[0] }];
    else if (kind === "snapshot") this.snapshots = [...this.snapshots.filter((s) => s < step), step];
    else if (kind === "measure") this.measures.push({ step, distance: rest[0], floor: rest[1], n: rest[2] });
    else if (kind === "vitals") {
      const [spread, apart, twins, off, missing, classes, knows, passes] = rest;
      this.vitals.push({ step, spread, apart, twins, off, missing, classes, knows, passes });
    }
    else if (kind === "moved") this.moved = { step, ...rest[0] };
    else if (kind === "advice") mark({ key: rest[0], en: rest[1], zh: rest[2], cure: rest[3] ?? {}, sound: rest[4] ?? 0 });
    else if (kind === "action" || kind === "refused") mark({ en: rest[0], zh: rest[1] });
    else if (kind === "changed") mark({ was: rest[0], now: rest[1] });
    else if (kind === "forked" || kind === "parent") mark({ run: rest[0] });
    else if (kind === "resumed" || kind === "returned") mark({ kind: "resumed", to: rest[0] });
  }

  // The run went on from `step`: what was told of later steps no longer holds; nor, if somebody went back to it, what was done there.
  #forgetAfter(step, to) {
    const undone = to === step ? ["changed", "moved", "refused"] : [];
    const kept = this.columns[0].findLastIndex((s) => s <= step) + 1;
    this.columns = this.columns.map((column) => column.slice(0, kept));
    for (const part of ["samples", "measures", "vitals", "marks"]) this[part] = this[part].filter((event) => event.step <= step);
    this.marks = this.marks.filter((mark) => mark.step < step || !undone.includes(mark.kind));
    this.snapshots = this.snapshots.filter((s) => s <= step);
    if (this.moved?.step > step || (this.moved?.step === step && undone.length)) this.moved = undefined;
  }

  get length() {
    return this.columns[0].length;
  }

  get advice() {
    return this.marks.filter((mark) => mark.kind === "advice");
  }

  /** Every step that there is a picture of: of a sheet, or of a snapshot. */
  get steps() {
    return this.samples.map((sample) => sample.step);
  }

  /** The last sheet at or before `step`; the newest where none is given. */
  sample(step = Infinity) {
    return this.samples.findLast((sample) => sample.step <= step) ?? this.samples[0];
  }

  snapshot(step = Infinity) {
    return this.snapshots.findLast((s) => s <= step);
  }

  last(name) {
    return this.column(name).at(-1);
  }

  column(name) {
    return this.columns[COLUMNS.indexOf(name)];
  }

  // Steps a second of training, by the last few reports; undefined before the first.
  get rate() {
    const n = this.length;
    if (!n) return undefined;
    const from = Math.max(0, n - 9);
    const [steps, seconds] = this.columns;
    const first = from === n - 1 || n < 2 ? [0, 0] : [steps[from], seconds[from]];
    const rate = (steps[n - 1] - first[0]) / (seconds[n - 1] - first[1]);
    return Number.isFinite(rate) && rate > 0 ? rate : undefined;
  }
}

function halve(column, n) {
  const made = [];
  const mean = (a, b) => (a == null || b == null ? (b ?? a) : (a + b) / 2);
  for (let i = 0; i + 1 < column.length; i += 2) made.push(n === 0 ? column[i + 1] : mean(column[i], column[i + 1]));
  if (column.length % 2) made.push(column.at(-1));
  return made;
}
