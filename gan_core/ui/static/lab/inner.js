// G with its stages open: mixing and editing, in the browser where it can, else by the server. See latent/inside.py.

import { ask } from "../server.js";
import { flat, pack, posted, unpack } from "./latent.js";

/** Gates and masks that change nothing: {gates: [(C)], masks: [(s * s)]}. */
export const untouched = ({ stages }) => ({
  gates: stages.map(({ channels }) => new Float32Array(channels).fill(1)),
  masks: stages.map(({ side }) => new Float32Array(side * side)),
});

/** A changed inside, with features of B: {image: ImageData, strengths: [(2 * C) of each stage]}. */
export async function paintInside(lab, a, b, { gates, masks }) {
  const { about, brush } = lab;
  if (brush.how.kind === "server") return byServer(about, a, b, gates, masks);
  const made = await brush.run("inside", feeds(about, a, b, gates, masks));
  return { image: imageOf(made.image), strengths: about.stages.map((_, i) => made[`strength_${i}`].data) };
}

/** The mean activation of every channel in each of the latents: of each stage (N * C). `progress(done)`; false ends it. */
export async function strengthsOf(lab, latents, progress) {
  const { about } = lab;
  const plain = untouched(about);
  const all = about.stages.map(({ channels }) => new Float32Array(latents.length * channels));
  for (let i = 0; i < latents.length; i += 2) {
    const pair = [latents[i], latents[i + 1] ?? latents[i]];
    const { strengths } = await paintInside(lab, ...pair, plain);
    strengths.forEach((values, stage) => {
      const { channels } = about.stages[stage];
      all[stage].set(values.subarray(0, channels * Math.min(2, latents.length - i)), i * channels);
    });
    if (progress(Math.min(i + 2, latents.length)) === false) return null;
  }
  return all;
}

function feeds(about, a, b, gates, masks) {
  const given = { z: { dims: [2, about.nz], data: flat([a.z, b.z]) } };
  if (a.y) given.y = { dims: [2, about.num_classes], data: flat([a.y, b.y]) };
  about.stages.forEach(({ channels, side }, i) => {
    given[`gate_${i}`] = { dims: [1, channels, 1, 1], data: gates[i] };
    given[`mask_${i}`] = { dims: [1, 1, side, side], data: masks[i] };
  });
  return given;
}

/** The first row of (2, nc, S, S) in [-1, 1]. */
function imageOf({ dims: [, nc, size], data }) {
  const area = size * size;
  const pixels = new Uint8ClampedArray(4 * area).fill(255); // it rounds half to even, as torch does, and clips
  for (let p = 0; p < area; p++) for (let c = 0; c < 3; c++) pixels[4 * p + c] = (data[p + (nc === 1 ? 0 : c * area)] + 1) * 127.5;
  return new ImageData(pixels, size, size);
}

async function byServer(about, a, b, gates, masks) {
  const body = { model: about.key, ...posted([a, b]), gates: pack(joined(gates)), masks: pack(joined(masks)) };
  const made = await ask("lab/inside", {}, { method: "POST", body: JSON.stringify(body) });
  const bytes = Uint8Array.from(atob(made.image), (letter) => letter.charCodeAt(0));
  const pixels = new Uint8ClampedArray(4 * about.size ** 2).fill(255);
  for (let p = 0; p < about.size ** 2; p++) for (let c = 0; c < 3; c++) pixels[4 * p + c] = bytes[p * about.nc + (about.nc === 1 ? 0 : c)];
  return { image: new ImageData(pixels, about.size, about.size), strengths: made.strengths.map(unpack) };
}

function joined(rows) {
  const whole = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  rows.reduce((at, row) => (whole.set(row, at), at + row.length), 0);
  return whole;
}
