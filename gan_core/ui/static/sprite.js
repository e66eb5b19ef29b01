// Pictures out of a sprite: {bitmap, n, columns, size}, row by row.

import { memory } from "./dom.js";

/** Crisp squares, or smooth? One choice for the whole page. */
export const pixels = {
  get crisp() { return memory.get("crisp") !== "no"; },
  set crisp(yes) {
    memory.set("crisp", yes ? "yes" : "no");
    document.dispatchEvent(new CustomEvent("studio:crisp"));
  },
};

/** A canvas of so many CSS pixels, as sharp as the screen. Returns its context, in device pixels. */
export function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = !pixels.crisp;
  context.imageSmoothingQuality = "high";
  return context;
}

/** Picture i of the sprite, into a rectangle of the canvas. */
export function draw(context, sprite, i, x, y, width, height = width) {
  const { bitmap, columns, size } = sprite;
  context.drawImage(bitmap, (i % columns) * size, Math.floor(i / columns) * size, size, size, x, y, width, height);
}
