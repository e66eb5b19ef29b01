// Sample sheets, decoded and kept, so that a hand on the time line finds them there.

import { address } from "./server.js";

const KEPT = 160; // bitmaps; a sheet of 64 pictures of 64 pixels takes 1 MB
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
        kept.set(url, bitmap);
        for (const old of [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT))) kept.delete(old);
      } else failed.set(url, Date.now());
      done(url);
      pump();
    });
    coming.set(url, arrival);
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
