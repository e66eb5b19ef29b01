// When a film looks at its path. Time along a path runs from 0, its first keyframe, to 1, its last (or the first again in
// a loop); each stretch between two keyframes takes equally long of it.

import { pathBetween, point } from "./latent.js";

export const EASINGS = ["linear", "smooth"];

const eased = (t, easing) => (easing === "smooth" ? t * t * (3 - 2 * t) : t);

/** The times (frames) of a film, as gan_core/latent/paths.py `walk` lays them: every keyframe is a frame itself. */
export function walkTimes(keyframes, frames, loop = false, easing = "linear") {
  const [segments, steps] = loop ? [keyframes, frames] : [keyframes - 1, frames - 1];
  const times = new Float64Array(frames);
  let at = 0;
  for (let k = 0; k < segments; k++) {
    const length = Math.floor(((k + 1) * steps) / segments) - Math.floor((k * steps) / segments);
    for (let i = 0; i < length; i++) times[at++] = (k + eased(i / length, easing)) / segments;
  }
  if (!loop) times[at] = 1;
  return times;
}

/** gan_core/latent/paths.py `retime`: the times (frames) at which each step is as long as the next, by `distances` (N). */
export function retime(distances, frames, loop = false) {
  const covered = [0];
  for (const step of distances) covered.push(covered.at(-1) + step);
  const [steps, whole] = [distances.length, covered.at(-1)];
  const times = new Float64Array(frames);
  for (let i = 0, after = 1; i < frames; i++) {
    const wanted = i / (loop ? frames : frames - 1);
    if (!whole) {
      times[i] = wanted;
      continue;
    }
    while (after < steps && covered[after] < wanted * whole) after++;
    const way = covered[after] - covered[after - 1];
    const within = way ? Math.min(1, Math.max(0, (wanted * whole - covered[after - 1]) / way)) : 0;
    times[i] = (after - 1 + within) / steps;
  }
  if (!loop) times[frames - 1] = 1;
  return times;
}

/** The latent at a time of the path through `keyframes`; a keyframe's own where it is met. */
export function latentAt(keyframes, time, path, loop = false) {
  const segments = loop ? keyframes.length : keyframes.length - 1;
  const place = time * segments;
  const k = Math.min(segments - 1, Math.floor(place));
  const t = place - k;
  const [from, to] = [keyframes[k], keyframes[(k + 1) % keyframes.length]];
  if (t === 0 || t === 1) return point((t ? to : from).z, (t ? to : from).y);
  return pathBetween(from, to, t, path);
}

/** The value at time `t` in [0, 1] of a curve of evenly spaced values, straight between them. */
export function valueAt(values, t) {
  const place = t * (values.length - 1);
  const i = Math.min(values.length - 2, Math.floor(place));
  return values.length < 2 ? values[0] : values[i] + (place - i) * (values[i + 1] - values[i]);
}
