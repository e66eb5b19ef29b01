// The address bar holds the model, the latent, the tool and its view: a copied link opens the same picture.

import { loudest, oneHot, ofSeed, point } from "./latent.js";
import { isOneHot } from "./recipe.js";

const OWN = ["model", "tool", "seed", "z", "class", "view"];
const REST = 300; // ms without a change before the address is written: browsers allow few writes
const LEAST = 1e-3; // share of a class below which it is left out
const LONGEST = 16 * 1024; // characters of z in an address

let timer;

/** Writes the state into the address, as soon as it has come to rest. */
export function remember(state) {
  clearTimeout(timer);
  timer = setTimeout(() => write(state), REST);
}

/** The lab is left: the address is about something else. */
export function forget() {
  clearTimeout(timer);
  write({}, false);
}

export const addressOf = (state) => filled(new URL(location.href), state).href;

function write(state, here = true) {
  const url = filled(new URL(location.href), state, here);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

function filled(url, { about, latent, tool, view }, here = true) {
  for (const name of OWN) url.searchParams.delete(name);
  url.searchParams.delete("tab");
  if (!here) return url;
  if (!window.STUDIO_SITE) {
    url.searchParams.set("tab", "explore");
    if (about) url.searchParams.set("model", about.key);
  }
  if (tool) url.searchParams.set("tool", tool);
  if (view) url.searchParams.set("view", view);
  if (latent) for (const [name, value] of Object.entries(worded(latent))) url.searchParams.set(name, value);
  return url;
}

function worded(latent) {
  const of = latent.seed == null ? { z: halves(latent.z) } : { seed: latent.seed };
  if (!latent.y || (latent.seed != null && latent.label == null)) return of;
  if (isOneHot(latent.y)) return { ...of, class: String(loudest(latent.y)) };
  const shares = [...latent.y].map((share, i) => [i, share]).filter(([, share]) => Math.abs(share) >= LEAST);
  return { ...of, class: shares.map(([i, share]) => `${i}:${Number(share.toFixed(3))}`).join(",") };
}

/** What the address says of a latent of this model; null where it says nothing. Throws RangeError for rubbish. */
export function latentOfAddress(about) {
  const said = new URL(location.href).searchParams;
  if (!said.has("z") && !said.has("seed")) return null;
  if (said.has("z")) {
    const z = fromHalves(said.get("z"));
    if (z.length !== about.nz) throw new RangeError(`z has ${z.length} numbers, not ${about.nz}`);
    return point(z, about.num_classes ? classes(said.get("class") ?? "0", about) : null);
  }
  const seed = whole(said.get("seed"), 2 ** 31);
  const latent = ofSeed(about, seed);
  if (!about.num_classes || !said.has("class")) return latent;
  const y = classes(said.get("class"), about);
  return isOneHot(y) ? { ...latent, y, label: loudest(y) } : point(latent.z, y);
}

/** Latents by their seeds, for a tool's view; null where one comes from no seed. */
export const seedsOf = (latents) => (latents.every(({ seed }) => seed != null) ? latents.map(({ seed, label }) => (label == null ? seed : `${seed}:${label}`)).join(",") : null);

/** The reverse. Throws RangeError for rubbish. */
export const ofSeeds = (about, text) => (text === "" ? [] : text.split(",", 64).map((part) => {
  const [seed, label] = part.split(":");
  return ofSeed(about, whole(seed, 2 ** 31), label === undefined ? null : whole(label, about.num_classes));
}));

function classes(text, about) {
  const y = new Float32Array(about.num_classes);
  const parts = text.slice(0, 4096).split(",");
  if (parts.length === 1 && !text.includes(":")) return oneHot(about.num_classes, whole(text, about.num_classes));
  for (const part of parts) {
    const [label, share] = part.split(":");
    const value = Number(share);
    if (!Number.isFinite(value) || Math.abs(value) > 10) throw new RangeError(`no share: ${share}`);
    y[whole(label, about.num_classes)] = value;
  }
  return y;
}

function whole(text, below) {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(value < below)) throw new RangeError(`not a whole number below ${below}: ${text.slice(0, 20)}`);
  return value;
}

// float16 in base64url: two bytes a number, and no picture that differs by more than a level

function halves(z) {
  const bits = Uint16Array.from(z, half);
  return btoa(String.fromCharCode(...new Uint8Array(bits.buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromHalves(text) {
  if (text.length > LONGEST) throw new RangeError("z is too long");
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  } catch {
    throw new RangeError("z is not base64");
  }
  if (bytes.length % 2) throw new RangeError("z is cut off");
  const z = Float32Array.from(new Uint16Array(bytes.buffer), whole16);
  if (!z.every(Number.isFinite)) throw new RangeError("z has numbers that are not finite");
  return z;
}

/** float32 -> the bits of the nearest float16. */
function half(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.min(Math.abs(value), 65504);
  const exponent = Math.max(-14, Math.floor(Math.log2(size)) || 0);
  if (size < 2 ** -25) return sign;
  const steps = Math.round(size / 2 ** (exponent - 10)); // 1024 .. 2048 of these make a normal number
  return sign | (steps < 1024 ? steps : ((exponent + 15) << 10) + steps - 1024);
}

function whole16(bits) {
  const [sign, exponent, rest] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return NaN;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + rest / 1024) : 2 ** -14 * (rest / 1024));
}
