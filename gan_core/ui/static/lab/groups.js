// A - B + C with averaged groups: Radford et al., arXiv:1511.06434, section 6.3.2 and figure 7.

import { add, mean, norm, point, scale } from "./latent.js";

export const NOISE = 0.25; // to either side, uniform, as the paper's figure has it around its result

/** The average of a group of latents, z and classes alike; null of an empty one. */
export const average = (latents) => (latents.length ? point(mean(latents.map(({ z }) => z)), latents[0].y && mean(latents.map(({ y }) => y))) : null);

/**
 * A + strength (C - B) of the groups' averages, in z and in the weights of classes. `kept`: the length brought back to the
 * mean length of all pictures that were put in. An empty group counts as nothing; null where all are.
 */
export function combine({ A, B, C }, strength = 1, kept = true) {
  const all = [...A, ...B, ...C];
  if (!all.length) return null;
  const of = (name) => {
    const [a, b, c] = [A, B, C].map((group) => average(group)?.[name]);
    let sum = a ?? new Float32Array(all[0][name].length);
    if (c) sum = add(sum, c, strength);
    if (b) sum = add(sum, b, -strength);
    return sum;
  };
  const z = of("z");
  const due = all.reduce((sum, latent) => sum + norm(latent.z), 0) / all.length;
  const length = norm(z);
  return point(kept && length > 0 ? scale(z, due / length) : z, all[0].y && convex(of("y"), average(A.length ? A : all).y));
}

/** Weights without those below 0, their sum 1; `else_` where nothing is left. */
export function convex(weights, else_) {
  const above = weights.map((value) => Math.max(0, value));
  const sum = above.reduce((a, b) => a + b, 0);
  return sum > 1e-6 ? scale(above, 1 / sum) : else_;
}

/** Eight latents around one, by noise that is the same every time. */
export function neighbours({ z, y }) {
  const random = mulberry(7);
  return Array.from({ length: 8 }, () => point(z.map((value) => value + NOISE * (2 * random() - 1)), y));
}

/** Numbers in [0, 1) from a seed (Mulberry32, T. Ettinger, public domain). */
function mulberry(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
