// One chart of a few curves over steps: uPlot, our colours, a legend that shows the values under the cursor.

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

const HEIGHT = 190;
const css = (name) => getComputedStyle(document.body).getPropertyValue(name).trim() || "gray";
const short = (value) => (value == null ? "–" : Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));

export class Curves {
  // lines: [{label, colour, dash}]; level: {at, text}, a dashed line with a meaning; range: [low, high] or none
  constructor(element, { lines, level, range, sync, xLabel }) {
    this.element = element;
    this.lines = lines;
    this.values = [];
    this.data = [[], ...lines.map(() => [])];
    this.legend = element.appendChild(document.createElement("p"));
    this.legend.className = "run-legend";
    this.stepLabel = document.createElement("span");
    this.stepLabel.className = "run-legend-step";
    this.xLabel = xLabel;
    for (const line of lines) this.legend.append(this.key(line));
    this.legend.append(this.stepLabel);
    this.canvas = element.appendChild(document.createElement("div"));
    this.canvas.style.minHeight = `${HEIGHT}px`;
    this.options = { level, range, sync };
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
    const { level, range, sync } = this.options;
    const axis = { stroke: () => css("--body-text-color-subdued"), grid: { stroke: () => css("--border-color-primary"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    this.plot = new uPlot(
      {
        width: Math.max(120, this.element.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { sync: { key: sync }, drag: { x: true, y: false }, points: { size: 7 } },
        scales: { x: { time: false }, y: { range: range ? () => range : undefined } },
        axes: [
          { ...axis, size: 28, space: 70, values: (_, steps) => steps.map((step) => (step % 1 ? "" : step.toLocaleString("en"))) },
          { ...axis, size: 44, space: 32, values: (_, values) => values.map((value) => String(+value.toFixed(6))) },
        ],
        series: [{}, ...this.lines.map(({ label, colour, dash }) => ({ label, stroke: colour, width: 1.8, dash, points: { show: (u) => u.data[0].length < 3 } }))],
        hooks: { draw: level ? [(u) => drawLevel(u, level)] : [], setCursor: [(u) => this.tell(u.cursor.idx)] },
      },
      this.data,
      this.canvas,
    );
  }

  fit() {
    const width = this.element.clientWidth;
    if (this.plot && width && Math.abs(width - this.plot.width) > 1) this.plot.setSize({ width, height: HEIGHT });
  }

  // columns: [steps, values of line 1, ...]
  set(columns) {
    this.data = columns;
    this.plot?.setData(columns);
    this.tell(this.plot?.cursor.idx);
  }

  // The values under the cursor, else the last ones.
  tell(index) {
    const [steps, ...values] = this.data;
    const at = index ?? steps.length - 1;
    values.forEach((column, n) => (this.values[n].textContent = steps.length ? short(column[at]) : ""));
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
