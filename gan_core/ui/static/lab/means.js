// The difference of two groups' means, as gan_core/latent/directions.py `difference` finds it.

import { add, classOf, mean, norm, scale } from "./latent.js";

/**
 * From `minus` to `plus`, lists of latents: {z (unit), raw, length, chance, trust, enough}. A mean of n latents is off by nz / n
 * in the square; `length` is the difference freed of that, `trust` the cosine to expect between z and the true difference, and
 * `enough` how many pictures in each group would make it 0.7.
 */
export function difference(about, plus, minus) {
  const apart = add(mean(plus.map(({ z }) => z)), mean(minus.map(({ z }) => z)), -1);
  const named = about.num_classes > 0 && [...plus, ...minus].some((latent) => namesItsClass(about, latent));
  if (named) apart[0] = 0; // the number that chose the class says nothing else
  const numbers = apart.length - (named ? 1 : 0);
  const raw = norm(apart);
  const chance = Math.sqrt(numbers * (1 / plus.length + 1 / minus.length));
  const length = Math.sqrt(Math.max(0, raw ** 2 - chance ** 2));
  return {
    z: scale(apart, 1 / Math.max(raw, 1e-9)), raw, chance, length, trust: raw > 0 ? length / raw : 0,
    enough: length > 0 ? Math.ceil((2 * numbers) / length ** 2) : null,
  };
}

const namesItsClass = (about, { z, y }) => Boolean(y) && y[classOf(about, z)] === 1;
