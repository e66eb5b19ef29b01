// A model's directions in the browser: read from what came, named, and written as a file.

import { memory } from "../dom.js";
import { ask } from "../server.js";
import { lang, t } from "../text.js";
import { site } from "./home.js";
import { dot, norm, pack, unpack } from "./latent.js";

const MOST = 64; // directions from one file
const LONGEST_NAME = 40; // letters, as gan_core/latent/direction_file.py allows
const SAME = 0.99; // |cosine| of two directions that are one
const METHODS = ["sefa", "pca", "means", "jacobian"];

/** directions.json -> [{id, method, z, share, length, trust, name}], with the names that this browser keeps. */
export function readAll(about, file) {
  const own = namesHere(about);
  return (file?.directions ?? []).slice(0, MOST).map((entry, i) => readOne(about, entry, `${entry?.method}-${i}`))
    .filter(Boolean).map((d) => ({ ...d, name: { ...d.name, ...own[d.id] } }));
}

/** null for an entry that is no direction of this model. */
function readOne(about, entry, id) {
  try {
    const z = unpack(entry.z);
    if (z.length !== about.nz || Math.abs(norm(z) - 1) > 0.01 || !METHODS.includes(entry.method)) return null;
    const [share, length, trust] = [entry.share, entry.length, entry.trust].map((value) => (Number.isFinite(value) ? value : null));
    return { id: String(entry.id ?? id).slice(0, 40), method: entry.method, z, share, length, trust, name: plainNames(entry.name) };
  } catch {
    return null;
  }
}

/** Its name where it has one, else how it was found, and its number among those. */
export const called = (d, n) => d.name?.[lang] || d.name?.en || t(`directions_unnamed_${d.method}`, { n });

export const plainName = (text) => [...String(text ?? "").replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, " ").trim()].slice(0, LONGEST_NAME).join("");

function plainNames(names) {
  const kept = {};
  for (const code of ["en", "zh"]) {
    const name = plainName(typeof names === "object" ? names?.[code] : "");
    if (name) kept[code] = name;
  }
  return kept;
}

// names

const place = (about) => `names.${about.mark}`;

function namesHere(about) {
  try {
    const names = JSON.parse(memory.get(place(about)));
    return names && typeof names === "object" ? names : {};
  } catch {
    return {};
  }
}

/** Gives it a name, for everybody where the visitor may, else in this browser. Resolves with the key of what to say. */
export async function rename(about, d, text) {
  const name = plainName(text);
  d.name = name ? { en: name, zh: name } : {};
  if (d.own) return "directions_named_own";
  if (!site && (await namedForAll(about, d, name))) {
    keepHere(about, d.id, null);
    return "directions_named";
  }
  keepHere(about, d.id, { en: name, zh: name });
  return site ? "directions_named_site" : "directions_named_here";
}

async function namedForAll(about, d, name) {
  const key = memory.get("key");
  const headers = { "content-type": "application/json", "x-studio-visitor": window.STUDIO_VISITOR, ...(/^[!-~]+$/.test(key ?? "") && { "x-studio-key": key }) };
  const body = JSON.stringify({ model: about.key, names: { [d.id]: { en: name, zh: name } } });
  return (await ask("lab/names", {}, { method: "POST", headers, body })).kept;
}

function keepHere(about, id, name) {
  const names = namesHere(about);
  if (name) names[id] = name;
  else delete names[id];
  memory.set(place(about), JSON.stringify(names));
}

// as a file

export function written(about, directions) {
  const rows = directions.map(({ id, method, z, share, length, trust, name }) => ({ id, method, z: pack(z), share, length, trust, name }));
  return JSON.stringify({ format: 1, model: about.name, fingerprint: about.mark, nz: about.nz, directions: rows }, null, 1);
}

/** Names out of a file go to the directions that are there; what is new is returned: {named, added: [...]}. null for a file of no use. */
export function taken(about, text, there) {
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    return null;
  }
  const come = Array.isArray(file?.directions) ? file.directions.slice(0, MOST).map((entry, i) => readOne(about, entry, `own-${i}`)).filter(Boolean) : [];
  if (!come.length) return null;
  const named = [];
  const added = [];
  for (const d of come) {
    const alike = there.filter((other) => Math.abs(dot(other.z, d.z)) > SAME);
    const same = alike.find(({ id }) => id === d.id) ?? alike[0];
    if (!same) added.push({ ...d, own: true });
    else if (Object.keys(d.name).length && d.name.en !== same.name.en) {
      same.name = d.name;
      if (!same.own) keepHere(about, same.id, d.name);
      named.push(same);
    }
  }
  return { named: named.length, added };
}
