// A small chart of one curve: a band that means something, ticks with numbers, and where the hand stands.

const HEIGHT = 92; // CSS pixels
const LEFT = 38; // for the numbers
const BOTTOM = 16;
const TOP = 6;

/** The colours of these variables of the style sheet, to be read once and not at every move of a hand. */
export function colours(element, ...names) {
  const style = getComputedStyle(element);
  return Object.fromEntries(["--ink", "--ink-soft", "--line", ...names].map((name) => [name, style.getPropertyValue(name).trim() || "gray"]));
}

/** A number as short as it stays true at this range. */
export function short(value, range = Math.abs(value)) {
  if (!Number.isFinite(value)) return "–";
  const digits = range >= 20 ? 0 : range >= 2 ? 1 : range >= 0.2 ? 2 : 3;
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? (0).toFixed(digits) : text).replace("-", "−");
}

/** Round numbers within [low, high], a few of them. */
export function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? 10 * power;
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
}

/**
 * Draws `values`, known from the start on and evenly spaced; of `count` in all.
 *
 * width: in CSS pixels; ink: what `colours` gave, colour: a name in it; range: [low, high]; band: [low, high], faintly filled; level: a dashed line;
 * marks: [{at in [0, 1], text}] under the axis; at: where the hand stands, in [0, 1].
 */
export function plot(canvas, { width, ink, values, count, colour, range: [low, high], band, level, marks = [], at }) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(HEIGHT * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, HEIGHT);
  c.font = "11px system-ui, sans-serif";
  const [soft, line] = [ink["--ink-soft"], ink["--line"]];
  const [right, foot] = [width - 6, HEIGHT - BOTTOM];
  const x = (share) => LEFT + share * (right - LEFT);
  const y = (value) => foot - ((value - low) / (high - low || 1)) * (foot - TOP);
  const ruled = (height, dash) => {
    c.setLineDash(dash);
    c.beginPath();
    c.moveTo(LEFT, height);
    c.lineTo(right, height);
    c.stroke();
    c.setLineDash([]);
  };

  if (band) {
    c.fillStyle = ink[colour];
    c.globalAlpha = 0.2;
    c.fillRect(LEFT, y(Math.min(high, band[1])), right - LEFT, y(Math.max(low, band[0])) - y(Math.min(high, band[1])));
    c.globalAlpha = 1;
  }
  c.lineWidth = 1;
  c.textAlign = "right";
  c.textBaseline = "middle";
  for (const value of ticks(low, high)) {
    c.strokeStyle = line;
    ruled(Math.round(y(value)) + 0.5, []);
    c.fillStyle = soft;
    c.fillText(short(value, high - low), LEFT - 5, y(value));
  }
  if (level !== undefined && level > low && level < high) {
    c.strokeStyle = soft;
    ruled(y(level), [2, 3]);
  }
  c.textBaseline = "alphabetic";
  for (const { at: share, text } of marks) {
    c.strokeStyle = line;
    c.beginPath();
    c.moveTo(x(share), TOP);
    c.lineTo(x(share), foot);
    c.stroke();
    c.fillStyle = soft;
    c.textAlign = share > 0.97 ? "right" : share < 0.03 ? "left" : "center";
    c.fillText(text, x(share), HEIGHT - 4);
  }
  c.strokeStyle = ink[colour];
  c.lineWidth = 2;
  c.lineJoin = "round";
  c.beginPath();
  values.forEach((value, i) => c.lineTo(x(i / (count - 1)), y(Math.min(high, Math.max(low, value)))));
  c.stroke();
  if (at === undefined) return;
  c.strokeStyle = ink["--ink"];
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(x(at), TOP);
  c.lineTo(x(at), foot);
  c.stroke();
  const now = at * (count - 1);
  if (now > values.length - 1) return;
  const i = Math.min(values.length - 2, Math.floor(now));
  const value = values.length > 1 ? values[i] + (now - i) * (values[i + 1] - values[i]) : values[0];
  c.fillStyle = ink[colour];
  c.beginPath();
  c.arc(x(at), y(value), 4, 0, 2 * Math.PI);
  c.fill();
}

/** Where a pointer is along the chart, in [0, 1]. */
export function shareOf(canvas, clientX) {
  const box = canvas.getBoundingClientRect();
  return Math.min(1, Math.max(0, (clientX - box.left - LEFT) / (box.width - LEFT - 6)));
}
