// What a page knows of a run, as the hub tells it: see gan_core/ui/story.py.

export const COLUMNS = ["step", "seconds", "speed", "loss_D", "loss_G", "D_x", "D_Gz"];
const MOST = 8000; // points; then neighbours are joined, which no screen shows

export class Record {
  constructor() {
    this.columns = COLUMNS.map(() => []);
    this.samples = []; // [{step, version}]
    this.advice = [];
    this.measures = []; // [{step, distance, floor, n}]
  }

  whole({ reports, told }) {
    this.columns = reports;
    this.samples = [];
    this.advice = [];
    this.measures = [];
    this.told(told);
  }

  told(events) {
    for (const [kind, step, ...rest] of events) {
      if (kind === "report") [step, ...rest].forEach((value, n) => this.columns[n].push(value));
      else if (kind === "sample") this.samples = [...this.samples.filter((s) => s.step < step), { step, version: rest[0] }];
      else if (kind === "advice") this.advice.push({ step, key: rest[0], en: rest[1], zh: rest[2] });
      else if (kind === "measure") this.measures.push({ step, distance: rest[0], floor: rest[1], n: rest[2] });
      else if (kind === "resumed") this.forgetAfter(step);
    }
    if (this.columns[0].length > MOST) this.columns = this.columns.map(halve);
  }

  // The run went on from `step`: what was told of later steps no longer holds.
  forgetAfter(step) {
    const kept = this.columns[0].findLastIndex((s) => s <= step) + 1;
    this.columns = this.columns.map((column) => column.slice(0, kept));
    this.samples = this.samples.filter((s) => s.step <= step);
    this.advice = this.advice.filter((a) => a.step <= step);
    this.measures = this.measures.filter((m) => m.step <= step);
  }

  get length() {
    return this.columns[0].length;
  }

  last(name) {
    return this.columns[COLUMNS.indexOf(name)].at(-1);
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
  for (let i = 0; i + 1 < column.length; i += 2) made.push(n === 0 ? column[i + 1] : (column[i] + column[i + 1]) / 2);
  if (column.length % 2) made.push(column.at(-1));
  return made;
}
