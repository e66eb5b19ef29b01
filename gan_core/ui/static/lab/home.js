// Where models come from: the studio's server, or the folder that a page of its own lies in.

import { address, ask, Said } from "../server.js";
import { t } from "../text.js";

/** What index.html of a page of its own says of it: {about: {...}}; null in the studio. */
export const site = window.STUDIO_SITE ?? null;

/** What is to be known of a model: its key, name, step, sizes, classes; see gan_core/ui/graphs.py. */
export async function aboutModel(key) {
  return site ? site.about : ask("lab/about", { model: key });
}

/** One player's graph, as bytes. `progress(share)` hears how much of it has come, in [0, 1]. */
export async function partOf(about, part, progress) {
  const url = site ? new URL(`${part}.onnx`, document.baseURI) : address("lab/part.onnx", { model: about.key, part, mark: about.mark });
  return fetchWhole(url, progress);
}

/** directions.json of a model; null where there is none. While it is made `progress({done, of, left})` hears how far it is. */
export async function directionsOf(about, progress = () => {}, signal = undefined) {
  while (!site) {
    const found = await ask("lab/directions", { model: about.key }, { signal });
    if (!found.wait) return found;
    progress(found.wait);
  }
  const answer = await fetch(new URL("directions.json", document.baseURI));
  return answer.ok ? answer.json() : null;
}

/** The bytes at an address, with word of how many have come. Throws Said. */
export async function fetchWhole(url, progress = () => {}) {
  let answer;
  try {
    answer = await fetch(url);
  } catch {
    throw new Said(t("server_gone"));
  }
  if (!answer.ok) throw new Said(t("lab_missing", { name: new URL(url).pathname.split("/").pop() }));
  if (answer.headers.get("content-type")?.startsWith("application/json")) {
    const { error } = await answer.json();
    throw new Said(error ?? t("went_wrong"));
  }
  const length = Number(answer.headers.get("content-length")) || 8e6;
  const parts = [];
  let come = 0;
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    come += part.value.length;
    progress(Math.min(1, come / length));
  }
  const whole = new Uint8Array(come);
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}
