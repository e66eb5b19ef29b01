// Sample sheets, decoded and kept, so that a hand on the time line finds them there.

import { address } from "./server.js";

const KEPT = 2 ** 28; // bytes of bitmaps; a sheet of 64 pictures of 64 pixels takes a 256th of it
const AT_ONCE = 3; // of six connections that a host has

const FORGIVEN = 30_000; // milliseconds until a sheet that did not come is asked for again

const failed = new Map(); // address -> when
const kept = new Map(); // address -> bitmap, the one used longest ago first
const coming = new Map();
let waiting = []; // [address, done], the most wanted last

const addresses = new WeakMap(); // asked for eighty times while the hand moves by one step

export function sheetAddress(run, sample) {
  let known = addresses.get(sample);
  if (!known) {
    known = address(`${run.path}/samples/${String(sample.step).padStart(6, "0")}.webp`, { v: sample.version }).href;
    addresses.set(sample, known);
  }
  return known;
}

/** Was it asked for in vain, a moment ago? */
export const missing = (url) => Date.now() - (failed.get(url) ?? 0) < FORGIVEN;

/** The bitmap, if it is here. */
export function here(url) {
  const bitmap = kept.get(url);
  if (bitmap) {
    kept.delete(url);
    kept.set(url, bitmap);
  }
  return bitmap;
}

/** Of a run's samples the one nearest to number i that is here, up to so many away; undefined where none is. */
export function near(run, i, most) {
  const { samples } = run.record;
  for (let d = 0; d <= most; d++) {
    const found = [samples[i - d], samples[i + d]].find((sample) => sample && kept.has(sheetAddress(run, sample)));
    if (found) return found;
  }
}

/** Sees that these come, the first one first. `done` is called at each arrival. What was wanted before and is not yet on its way is forgotten. */
export function want(urls, done) {
  waiting = urls.filter((url) => !kept.has(url) && !coming.has(url) && !missing(url)).reverse().map((url) => [url, done]);
  pump();
}

function pump() {
  while (coming.size < AT_ONCE && waiting.length) {
    const [url, done] = waiting.pop();
    const arrival = load(url).then((bitmap) => {
      coming.delete(url);
      if (bitmap) {
        keep(url, bitmap);
      } else failed.set(url, Date.now());
      done(url);
      pump();
    });
    coming.set(url, arrival);
  }
}

const size = ({ width, height }) => 4 * width * height;
let full = 0; // bytes

function keep(url, bitmap) {
  kept.set(url, bitmap);
  full += size(bitmap);
  for (const [old, its] of kept) {
    if (full <= KEPT) break;
    kept.delete(old);
    full -= size(its);
  }
}

async function load(url) {
  try {
    const answer = await fetch(url);
    return answer.ok ? await createImageBitmap(await answer.blob()) : undefined;
  } catch {
    return undefined; // deleted meanwhile, or the app is away
  }
}
