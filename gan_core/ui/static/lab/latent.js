// Points of latent space: {z: Float32Array(nz), y: Float32Array(num_classes) | null, seed, label}, and ways between them.
//
// `ofSeed` draws the very numbers that torch.randn draws on a CPU, so a seed is one picture everywhere, with no server.

const FLAT = 1e-3; // as in gan_core/latent/paths.py
const NOWHERE = 1e-3; // likewise

/** Row 0 of GAN.sample_z(1, seed), and the class that it names where the model has classes and none is asked for. */
export function ofSeed(about, seed, label = null) {
  const z = randn(about.nz, seed);
  const wanted = label != null && label >= 0 && label < about.num_classes ? label : null;
  return { z, y: about.num_classes ? oneHot(about.num_classes, wanted ?? classOf(about, z)) : null, seed, label: wanted };
}

/** Is it the same model, maybe further on in its training? Then what somebody has laid out in a tool stays. */
export const grown = (before, now) => ["key", "nz", "num_classes", "size"].every((name) => before?.[name] === now[name]);

/** A point that comes from no seed. */
export const point = (z, y = null) => ({ z, y, seed: null, label: null });

export function oneHot(classes, label) {
  const y = new Float32Array(classes);
  y[label] = 1;
  return y;
}

/** The class that z names by its first number, as GAN.class_of does. */
export function classOf(about, z) {
  return Math.min(about.num_classes - 1, Math.floor(about.num_classes * normalCdf(z[0])));
}

/** The likeliest class in y: the one to name. */
export const loudest = (y) => y.indexOf(Math.max(...y));

// arithmetic

export const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
export const norm = (a) => Math.sqrt(dot(a, a));
export const scale = (a, s) => a.map((value) => value * s);
export const add = (a, b, s = 1) => a.map((value, i) => value + s * b[i]);
export const between = (a, b, t) => a.map((value, i) => (1 - t) * value + t * b[i]);

export function mean(rows) {
  return scale(rows.reduce((sum, row) => add(sum, row)), 1 / rows.length);
}

// paths from a to b, for z alone; weights of classes go straight

export const lerp = between;

/** As gan_core/latent/paths.py slerp: the direction along the great circle, the length evenly. */
export function slerp(a, b, t) {
  const [na, nb] = [Math.max(norm(a), 1e-38), Math.max(norm(b), 1e-38)];
  const [u, v] = [scale(a, 1 / na), scale(b, 1 / nb)];
  const angle = 2 * Math.atan2(norm(add(u, v, -1)), norm(add(u, v)));
  const sine = Math.sin(angle);
  const length = (1 - t) * na + t * nb;
  if (sine >= FLAT) {
    return u.map((value, i) => (length * (Math.sin((1 - t) * angle) * value + Math.sin(t * angle) * v[i])) / sine);
  }
  if (angle < 3) return scale(between(u, v, t), length);
  const half = (1 + Math.cos(Math.PI * t)) / 2;
  const aside = perpendicular(u);
  const turn = 2 * Math.sqrt(half * (1 - half));
  return u.map((value, i) => length * (half * value + (1 - half) * v[i] + turn * aside[i]));
}

/** The straight line, with the length that goes evenly from |a| to |b|. */
export function matched(a, b, t) {
  const straight = between(a, b, t);
  const [length, due] = [norm(straight), (1 - t) * norm(a) + t * norm(b)];
  if (length < NOWHERE * due) return scale(perpendicular(scale(a, 1 / Math.max(norm(a), 1e-38))), due);
  return length > 0 ? scale(straight, due / length) : straight;
}

export const PATHS = { lerp, slerp, matched };

/** Between two points: z by the path of that name, y straight. */
export function pathBetween(a, b, t, path = "slerp") {
  return point(PATHS[path](a.z, b.z, t), a.y && between(a.y, b.y, t));
}

function perpendicular(u) {
  let least = 0;
  u.forEach((value, i) => { if (Math.abs(value) < Math.abs(u[least])) least = i; });
  const aside = u.map((value, i) => (i === least ? 1 : 0) - value * u[least]);
  return scale(aside, 1 / Math.max(norm(aside), 1e-38));
}

// on the wire

/** Float32Array, or several of them one after the other -> base64 of little-endian bytes. */
export function pack(numbers) {
  const bytes = new Uint8Array(Float32Array.from(numbers).buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/** The reverse. Throws for what is not base64 of whole float32 numbers. */
export function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  if (bytes.length % 4) throw new RangeError("not float32");
  return new Float32Array(bytes.buffer);
}

/** All rows one after the other. */
export function flat(rows) {
  const whole = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => whole.set(row, i * row.length));
  return whole;
}

/** Latents -> what a route of the server reads: {z, y}. */
export const posted = (latents) => ({ z: pack(flat(latents.map(({ z }) => z))), ...(latents[0].y && { y: pack(flat(latents.map(({ y }) => y))) }) });

// torch's random numbers: MT19937 (Matsumoto & Nishimura 1998) and Box-Muller, laid out as ATen's normal_fill lays them

function randn(n, seed) {
  const engine = twister(seed);
  const uniform = () => (engine() & 0xffffff) / 2 ** 24;
  if (n < 16) return few(n, engine);
  const numbers = Float32Array.from({ length: n }, uniform);
  for (let start = 0; start + 16 <= n; start += 16) polar(numbers, start);
  if (n % 16) { // the last block is drawn anew
    for (let i = n - 16; i < n; i++) numbers[i] = uniform();
    polar(numbers, n - 16);
  }
  return numbers;
}

function polar(numbers, start) {
  for (let i = start; i < start + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - numbers[i]));
    const angle = 2 * Math.PI * numbers[i + 8];
    numbers[i] = radius * Math.cos(angle);
    numbers[i + 8] = radius * Math.sin(angle);
  }
}

/** Of fewer than 16 numbers torch draws each from doubles, two at a time. */
function few(n, engine) {
  const numbers = new Float32Array(n);
  const uniform = () => {
    const [high, low] = [engine(), engine()];
    return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
  };
  for (let i = 0; i < n; i += 2) {
    const angle = 2 * Math.PI * uniform();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform()));
    numbers[i] = radius * Math.cos(angle);
    if (i + 1 < n) numbers[i + 1] = radius * Math.sin(angle);
  }
  return numbers;
}

function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed % 2 ** 32;
  for (let i = 1; i < 624; i++) {
    const before = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, before) + i;
  }
  let at = 624;
  return () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const mixed = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let x = state[at++];
    x ^= x >>> 11;
    x ^= (x << 7) & 0x9d2c5680;
    x ^= (x << 15) & 0xefc60000;
    return (x ^ (x >>> 18)) >>> 0;
  };
}

/** Abramowitz & Stegun 7.1.26 would do for the eye; a class must not flip near its border, so: a series and its tail. */
function normalCdf(x) {
  if (x > 8) return 1;
  if (x < -8) return 0;
  let [sum, term] = [x, x];
  for (let n = 1; n < 120 && Math.abs(term) > 1e-17; n++) sum += term *= (x * x) / (2 * n + 1);
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
