// One chart of a few curves over steps: uPlot, our colours, a legend with the values at the cursor, and marks where something happened.

const base = new URL(".", import.meta.url);
let loaded; // uPlot itself, once for all charts

function library() {
  loaded ??= new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("vendor/uPlot/uPlot.min.css", base) });
    const script = Object.assign(document.createElement("script"), { src: new URL("vendor/uPlot/uPlot.iife.min.js", base) });
    script.onload = () => resolve(window.uPlot);
    script.onerror = reject;
    document.head.append(link, script);
  });
  return loaded;
}

const HEIGHT = 150;
const css = (name) => getComputedStyle(document.body).getPropertyValue(name).trim() || "gray";
const short = (value) => (value == null ? "–" : Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));

export class Curves {
  // lines: [{label, colour, dash}]; level: {at, text}, a dashed line with a meaning; range: [low, high] or none
  constructor(element, { lines, level, range, log, sync, xLabel }) {
    this.element = element;
    this.lines = lines;
    this.values = [];
    this.data = [[], ...lines.map(() => [])];
    this.marks = [];
    this.legend = element.appendChild(document.createElement("p"));
    this.legend.className = "run-legend";
    this.stepLabel = document.createElement("span");
    this.stepLabel.className = "run-legend-step";
    this.xLabel = xLabel;
    for (const line of lines) this.legend.append(this.key(line));
    this.legend.append(this.stepLabel);
    this.canvas = element.appendChild(document.createElement("div"));
    this.canvas.style.minHeight = `${HEIGHT}px`;
    this.canvas.ariaHidden = "true"; // the legend says it in words
    this.cursor = Object.assign(document.createElement("i"), { className: "run-cursor", hidden: true });
    this.options = { level, range, log, sync };
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(element);
    library().then((uPlot) => this.start(uPlot));
  }

  key({ label, colour, dash }) {
    const key = document.createElement("span");
    key.className = "run-key";
    key.innerHTML = `<svg width="26" height="8" aria-hidden="true"><path d="M1 4H25" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${(dash ?? []).join(" ")}"/></svg>`;
    const value = document.createElement("b");
    this.values.push(value);
    key.append(label, " ", value);
    return key;
  }

  start(uPlot) {
    if (this.gone) return;
    const { level, range, log, sync } = this.options;
    const axis = { stroke: () => css("--body-text-color-subdued"), grid: { stroke: () => css("--border-color-primary"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    this.plot = new uPlot(
      {
        width: Math.max(120, this.element.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { sync: { key: sync }, drag: { x: true, y: false }, points: { size: 7 } },
        scales: { x: { time: false }, y: { range: range ? () => range : undefined, distr: log ? 3 : 1 } },
        axes: [
          { ...axis, size: 28, space: 70, values: (_, steps) => steps.map((step) => (step % 1 ? "" : step.toLocaleString("en"))) },
          { ...axis, size: 44, space: 32, values: (_, values) => values.map((value) => (value == null ? "" : String(+value.toPrecision(6)))) },
        ],
        series: [{}, ...this.lines.map(({ label, colour, dash }) => ({ label, stroke: colour, width: 1.8, dash, spanGaps: true, points: { show: (u) => u.data[0].length < 3 } }))],
        hooks: {
          draw: [(u) => level && drawLevel(u, level), (u) => drawMarks(u, this.marks), () => this.place()],
          setSelect: [(u) => (this.zoomed ||= u.select.width > 0)],
          setCursor: [(u) => this.tell(u.cursor.idx)],
        },
      },
      this.data,
      this.canvas,
    );
    this.plot.over.addEventListener("dblclick", () => (this.zoomed = false)); // uPlot shows all of it then
    this.plot.over.append(this.cursor);
    this.place();
  }

  fit() {
    const width = this.element.clientWidth;
    if (this.plot && width && Math.abs(width - this.plot.width) > 1) this.plot.setSize({ width, height: HEIGHT });
  }

  // tables: for each run [steps, values of line 1, ...]; runs need not have the same steps
  set(tables, marks = []) {
    this.data = joined(tables);
    this.marks = marks;
    this.plot?.setData(this.data, !this.zoomed); // whoever has dragged a part of it to full width goes on seeing that
    if (this.zoomed) this.plot.redraw();
    this.tell(this.plot?.cursor.idx);
  }

  /** Where the time line stands; undefined: at the newest. Moves one box, so that it costs nothing while a hand drags. */
  at(step) {
    this.step = step;
    this.place();
    this.tell(this.plot?.cursor.idx);
  }

  place() {
    this.cursor.hidden = this.step === undefined;
    if (this.plot && !this.cursor.hidden) this.cursor.style.transform = `translateX(${this.plot.valToPos(this.step, "x")}px)`;
  }

  // The values under the pointer, else where the time line stands, else the last ones.
  tell(index) {
    const [steps, ...values] = this.data;
    const at = index ?? (this.step === undefined ? steps.length - 1 : until(steps, this.step));
    values.forEach((column, n) => (this.values[n].textContent = steps.length ? short(known(column, at)) : ""));
    this.stepLabel.textContent = steps.length ? `${this.xLabel} ${steps[at]?.toLocaleString("en") ?? ""}` : "";
  }

  redraw() {
    this.plot?.redraw(false, true);
  }

  destroy() {
    this.gone = true;
    this.observer.disconnect();
    this.plot?.destroy();
    this.element.replaceChildren();
  }
}

/** The last index whose step is at most `step`. */
function until(steps, step) {
  let [low, high] = [0, steps.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (steps[middle] <= step) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The value at `at`, or the last one before it: of several runs not each has one at every step. */
function known(column, at) {
  let i = at;
  while (i > 0 && column[i] == null) i--;
  return column[i];
}

/** Tables with columns of steps of their own -> one table over all steps; null where a run has no value. */
function joined(tables) {
  if (tables.length === 1) return tables[0];
  const steps = [...new Set(tables.flatMap((table) => table[0]))].sort((a, b) => a - b);
  const row = new Map(steps.map((step, i) => [step, i]));
  const columns = tables.flatMap(([own, ...values]) =>
    values.map((column) => {
      const made = new Array(steps.length).fill(null);
      own.forEach((step, i) => (made[row.get(step)] = column[i]));
      return made;
    }),
  );
  return [steps, ...columns];
}

function drawMarks(u, marks) {
  const { left, top, width, height } = u.bbox;
  const ratio = window.devicePixelRatio || 1;
  const { ctx } = u;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = css("--body-text-color-subdued");
  ctx.lineWidth = ratio;
  ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  for (const { step, sign } of marks) {
    const x = u.valToPos(step, "x", true);
    if (x < left || x > left + width) continue;
    ctx.setLineDash([ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, top + 15 * ratio);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.fillText(sign, x, top);
  }
  ctx.restore();
}

function drawLevel(u, { at, text }) {
  const y = u.valToPos(at, "y", true);
  const { left, top, width, height } = u.bbox;
  if (y < top || y > top + height) return;
  const ratio = window.devicePixelRatio || 1;
  const { ctx } = u;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = css("--body-text-color-subdued");
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  ctx.fillText(text, left + width - 4 * ratio, y - 3 * ratio);
  ctx.restore();
}
