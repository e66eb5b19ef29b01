// Small plots with a text for those who do not see them: heaps of values on one line each, and curves in bands.

import { short, ticks } from "./plot.js";

const WIDTH = 420;
const ROW = 26;
const FOOT = 30;
const LEFT = 138; // for the names
const DOTS = 64; // values up to which each is a dot; more are bars
const BARS = 40;
const SVG = "http://www.w3.org/2000/svg";

function part(tag, attributes = {}, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

export const median = (values) => values[Math.floor(values.length / 2)];

/**
 * rows: [{name, kind, values}], kind "fake" or "real"; here: [value, name] of the one that is judged; axis: what is shown.
 * `log`: tenfold steps, for distances; then every value is taken to be at least a hundred-thousandth.
 */
export function heaps({ rows, here: [here, name], axis, log, label }) {
  const seen = (value) => (log ? Math.log10(Math.max(value, 1e-5)) : value);
  const all = [...rows.flatMap(({ values }) => values), here].map(seen);
  const pad = (Math.max(...all) - Math.min(...all)) * 0.04 || 0.1;
  const [low, high] = [Math.min(...all) - pad, Math.max(...all) + pad];
  const x = (value) => LEFT + ((seen(value) - low) / (high - low)) * (WIDTH - LEFT - 10);
  const foot = ROW * (rows.length + 1);
  const svg = part("svg", { viewBox: `0 0 ${WIDTH} ${foot + FOOT}`, class: "heaps", role: "img", "aria-label": label });
  rows.forEach(({ name: row, kind, values }, i) => {
    const y = ROW * (i + 1) + ROW / 2;
    svg.append(part("text", { x: LEFT - 12, y: y + 4, "text-anchor": "end", class: kind }, `${kind === "real" ? "✓" : "✕"} ${row}`));
    svg.append(part("line", { x1: LEFT, x2: WIDTH - 4, y1: y + 9, y2: y + 9, class: "base" }));
    if (values.length <= DOTS) values.forEach((value) => svg.append(part("circle", { cx: x(value), cy: y, r: 3.5, class: kind })));
    else svg.append(bars(values.map(x), y + 9, kind));
  });
  const at = x(here);
  svg.append(
    part("line", { x1: at, x2: at, y1: ROW - 6, y2: foot, class: "here" }),
    part("text", { x: Math.min(WIDTH - 30, Math.max(LEFT, at)), y: ROW - 11, "text-anchor": "middle", class: "here" }, name));
  const marks = log ? tens(low, high) : ticks(low, high);
  for (const mark of marks) {
    const value = log ? 10 ** mark : mark;
    svg.append(part("text", { x: x(value), y: foot + 12, "text-anchor": "middle", class: "tick" }, log ? String(Number(value.toPrecision(1))) : short(value, high - low)));
  }
  svg.append(part("text", { x: (LEFT + WIDTH) / 2, y: foot + 26, "text-anchor": "middle", class: "tick" }, axis));
  return svg;
}

const tens = (low, high) => Array.from({ length: 8 }, (_, i) => i - 5).filter((mark) => mark >= low && mark <= high);

/** A histogram of places along the line, at most a row high. */
function bars(places, foot, kind) {
  const wide = (WIDTH - LEFT - 10) / BARS;
  const counts = new Array(BARS).fill(0);
  for (const place of places) counts[Math.min(BARS - 1, Math.max(0, Math.floor((place - LEFT) / wide)))] += 1;
  const most = Math.max(...counts);
  const group = part("g", { class: kind });
  counts.forEach((count, i) => {
    if (count) group.append(part("rect", { x: LEFT + i * wide, width: wide - 0.5, y: foot - (count / most) * (ROW - 5), height: (count / most) * (ROW - 5) }));
  });
  return group;
}

/** bands: [{kind, rows: [low, mean, high]}]; curve: values of the picture; x is their number on a scale of octaves. */
export function bands({ curve, bands: shown, axis, label, here }) {
  const height = 170;
  const left = 34;
  const values = [...curve.slice(1), ...shown.flatMap(({ rows }) => [...rows[0].slice(1), ...rows[2].slice(1)])];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (i) => left + (Math.log2(i) / Math.log2(curve.length - 1)) * (WIDTH - left - 10);
  const y = (value) => 12 + ((high - value) / (high - low || 1)) * (height - 24);
  const line = (row) => row.slice(1).map((value, i) => `${x(i + 1).toFixed(1)},${y(value).toFixed(1)}`);
  const svg = part("svg", { viewBox: `0 0 ${WIDTH} ${height + FOOT}`, class: "heaps bands", role: "img", "aria-label": label });
  for (const mark of ticks(low, high)) svg.append(part("text", { x: left - 6, y: y(mark) + 4, "text-anchor": "end", class: "tick" }, `10${raised(mark)}`));
  for (const { kind, rows: [bottom, mean, top] } of shown) {
    svg.append(part("polygon", { points: [...line(top), ...line(bottom).reverse()].join(" "), class: `band ${kind}` }));
    svg.append(part("polyline", { points: line(mean).join(" "), class: `mean ${kind}` }));
  }
  svg.append(part("polyline", { points: line(curve).join(" "), class: "curve" }));
  svg.append(part("text", { x: x(curve.length - 1), y: y(curve.at(-1)) - 8, "text-anchor": "end", class: "here" }, here));
  for (let i = 1; i < curve.length; i *= 2) svg.append(part("text", { x: x(i), y: height + 8, "text-anchor": "middle", class: "tick" }, i));
  svg.append(part("text", { x: (left + WIDTH) / 2, y: height + 24, "text-anchor": "middle", class: "tick" }, axis));
  return svg;
}

const RAISED = { "-": "⁻", ".": "·" };
const raised = (mark) => [...String(Number(mark.toFixed(1)))].map((letter) => RAISED[letter] ?? "⁰¹²³⁴⁵⁶⁷⁸⁹"[letter]).join("");
