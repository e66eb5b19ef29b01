// Pictures that know how they were made: the PNG chunk of gan_core/export/png.py, written and read in the browser.

import { pixels } from "../sprite.js";
import { add, loudest, norm, ofSeed, oneHot, pack, point, unpack } from "./latent.js";

const KEY = "dcgan-studio";
const SIDE = 256; // pixels a saved picture is brought to: 28 is a speck
const MOST_TEXT = 64 * 1024;
const MOST_MB = 16;
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/** What a picture was made of, as plain JSON. */
export function recipeOf(about, latent) {
  const plain = !latent.y || isOneHot(latent.y);
  return {
    model: about.key.split("@")[0], z: pack(latent.z), seed: latent.seed, truncation: 1, label: latent.y && plain ? loudest(latent.y) : null,
    step: about.step, software: "DCGAN Studio", ...(plain ? {} : { y: pack(latent.y) }),
  };
}

/** A latent of a stranger's recipe. Throws RangeError for what does not fit the model, or is not what it should be. */
export function latentOf(about, recipe) {
  const z = numbers(recipe.z, about.nz);
  const psi = typeof recipe.truncation === "number" && recipe.truncation > 0 && recipe.truncation <= 1 ? recipe.truncation : 1;
  const shrunk = psi === 1 ? z : z.map((value) => value * psi);
  const seed = draws(about, recipe.seed, shrunk) ? recipe.seed : null;
  if (!about.num_classes) return { ...point(shrunk), seed };
  if (recipe.y) return point(shrunk, numbers(recipe.y, about.num_classes));
  const label = Number.isInteger(recipe.label) && recipe.label >= 0 && recipe.label < about.num_classes ? recipe.label : 0;
  return { z: shrunk, y: oneHot(about.num_classes, label), seed, label };
}

/** Anybody can write a seed into a file: it counts where it draws this z. */
const draws = (about, seed, z) => Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 31 && norm(add(ofSeed(about, seed).z, z, -1)) < 1e-3;

function numbers(text, length) {
  if (typeof text !== "string" || text.length > MOST_TEXT) throw new RangeError("no numbers");
  let found;
  try {
    found = unpack(text);
  } catch {
    throw new RangeError("not base64 of float32");
  }
  if (found.length !== length) throw new RangeError(`${found.length} numbers, not ${length}`);
  if (!found.every((value) => Number.isFinite(value) && Math.abs(value) <= 1e4)) throw new RangeError("numbers that are not finite");
  return found;
}

export const isOneHot = (y) => y.every((value) => value === 0 || value === 1) && y.reduce((a, b) => a + b, 0) === 1;

/** An ImageData as a PNG file, large enough to be seen, with its recipe. */
export async function pngOf(image, recipe) {
  const scale = Math.max(1, Math.floor(SIDE / image.width));
  const small = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  small.getContext("2d").putImageData(image, 0, 0);
  const large = Object.assign(document.createElement("canvas"), { width: image.width * scale, height: image.height * scale });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = !pixels.crisp;
  context.drawImage(small, 0, 0, large.width, large.height);
  const blob = await new Promise((keep) => large.toBlob(keep, "image/png"));
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const end = 8 + 25; // the signature and IHDR, which comes first
  return new Blob([bytes.subarray(0, end), chunk("tEXt", `${KEY}\0${ascii(JSON.stringify(recipe))}`), bytes.subarray(end)], { type: "image/png" });
}

/** Paints the latent once more and hands it to the browser's downloads. */
export async function savePng(lab, latent) {
  const [image] = await lab.brush.paint([latent]);
  hand(await pngOf(image, recipeOf(lab.about, latent)), `${fileName(lab.about)}${latent.seed == null ? "" : `-seed-${latent.seed}`}.png`);
}

export const fileName = (about) => about.name.replace(/[^\p{L}\p{N}._-]+/gu, "-");

/** A Blob to the browser's downloads. */
export function hand(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The recipe in a PNG file, as it stands there: it may be anybody's. null where there is none. Throws RangeError for what is no PNG. */
export async function readRecipe(file) {
  if (file.size > MOST_MB * 2 ** 20) throw new RangeError("too large");
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new RangeError("no PNG");
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "tEXt" && length <= MOST_TEXT) {
      const [key, text] = new TextDecoder("latin1").decode(bytes.subarray(at + 8, at + 8 + length)).split("\0");
      if (key === KEY) return object(text);
    }
    at += length + 12;
  }
  return null;
}

function object(text) {
  let value;
  try { value = JSON.parse(text); } catch { /* not ours */ }
  if (typeof value !== "object" || value === null || typeof value.model !== "string") throw new RangeError("no recipe");
  return value;
}

const ascii = (text) => text.replace(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

function chunk(kind, text) {
  const body = Uint8Array.from(kind + text, (letter) => letter.charCodeAt(0));
  const whole = new Uint8Array(body.length + 8);
  const view = new DataView(whole.buffer);
  view.setUint32(0, body.length - 4);
  whole.set(body, 4);
  view.setUint32(body.length + 4, crc(body));
  return whole;
}

function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let k = 0; k < 8; k++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

// a latent alone

/** As numpy writes it: np.load reads (nz,) of float32. */
export function npyOf(z) {
  let head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${z.length},), }`;
  head = head.padEnd(64 * Math.ceil((head.length + 11) / 64) - 11) + "\n";
  const start = Uint8Array.from(`\x93NUMPY\x01\x00${String.fromCharCode(head.length & 255, head.length >> 8)}${head}`, (letter) => letter.charCodeAt(0));
  return new Blob([start, z], { type: "application/octet-stream" });
}
