// The players at work, off the page's thread. One message is one piece of work; its answer has the same id.
//
//   open  {wanted}                   -> {kind: "webgpu" | "wasm"}      raises where the browser can do neither
//   load  {part, graph}              -> {}                             a session for "G", "D" or "inside"
//   paint {z, y, n}                  -> {pixels (n * S * S * 4) RGBA, size, ms}
//   judge {z, y, chain, end}         -> {logit, apart}                 D's opinion of one, and how far it looks from the one
//                                                                     before it in that chain
//   run   {part, feeds, wanted}      -> {outputs: {name: {dims, data}}}

const VENDOR = new URL("../vendor/ort/", import.meta.url);
const RUNTIMES = {
  webgpu: { script: "ort.webgpu.bundle.min.mjs", wasm: "ort-webgpu.wasm.gz" },
  wasm: { script: "ort.wasm.bundle.min.mjs", wasm: "ort-wasm.wasm.gz" },
};

let ort;
let kind;
const sessions = {};
const chains = new Map(); // the features of the last picture of each

const work = {
  async open({ wanted }) {
    if (wanted !== "wasm" && (await hasGpu(wanted === "webgpu"))) {
      try {
        return await start("webgpu");
      } catch (error) {
        console.info("WebGPU does not start here, so WebAssembly paints:", error.message);
      }
    }
    return start("wasm");
  },

  async load({ part, graph }) {
    sessions[part]?.release?.();
    if (part === "G") chains.clear(); // of the model before
    sessions[part] = await ort.InferenceSession.create(graph, { executionProviders: [kind], logSeverityLevel: 3 });
    return {};
  },

  async paint({ z, y, n }) {
    const began = performance.now();
    const { image } = await sessions.G.run(latents(z, y, n));
    const pixels = rgba(await image.getData(), image.dims);
    return { pixels, size: image.dims[3], ms: performance.now() - began };
  },

  async judge({ z, y, chain, end }) {
    const one = latents(z, y, 1);
    const { image } = await sessions.G.run(one);
    const said = await sessions.D.run({ x: image, ...(y && { y: one.y }) });
    const feel = await said.feel.getData();
    const before = chains.get(chain);
    if (end) chains.delete(chain);
    else chains.set(chain, feel);
    return { logit: (await said.logit.getData())[0], apart: before && distance(before, feel) };
  },

  async run({ part, feeds, wanted }) {
    const given = Object.fromEntries(Object.entries(feeds).map(([name, { dims, data }]) => [name, new ort.Tensor("float32", data, dims)]));
    const made = await sessions[part].run(given, wanted);
    const outputs = {};
    for (const [name, tensor] of Object.entries(made)) outputs[name] = { dims: tensor.dims, data: await tensor.getData() };
    return { outputs };
  },
};

let before = Promise.resolve();
onmessage = ({ data }) => { before = before.then(() => answer(data)); }; // one after the other: a runtime does not like two at once

async function answer({ id, name, ...given }) {
  try {
    const made = await work[name](given);
    postMessage({ id, ...made }, made.pixels ? [made.pixels.buffer] : []);
  } catch (error) {
    postMessage({ id, error: String(error?.message ?? error) });
  }
}

async function start(which) {
  const { script, wasm } = RUNTIMES[which];
  const [library, binary] = await Promise.all([import(new URL(script, VENDOR)), unpacked(new URL(wasm, VENDOR))]);
  ort = library;
  ort.env.wasm.wasmBinary = binary;
  ort.env.wasm.numThreads = 1; // two were slower than one
  ort.env.logLevel = "error";
  kind = which;
  return { kind };
}

/** Some hosts unpack a .gz on the way, and some do not. */
async function unpacked(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const whole = await answer.blob();
  const [a, b] = new Uint8Array(await whole.slice(0, 2).arrayBuffer());
  const plain = a === 0x1f && b === 0x8b ? whole.stream().pipeThrough(new DecompressionStream("gzip")) : whole.stream();
  return new Response(plain).arrayBuffer();
}

/** An adapter in software is slower than WebAssembly, and taken only where WebGPU is asked for by name. */
async function hasGpu(evenSoft) {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && (evenSoft || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
}

function latents(z, y, n) {
  const tensor = (rows) => new ort.Tensor("float32", rows, [n, rows.length / n]);
  return { z: tensor(z), ...(y && { y: tensor(y) }) };
}

/** (n, nc, S, S) in [-1, 1] -> n pictures of RGBA, rounded as gan_core/images.py rounds. */
function rgba(values, [n, nc, height, width]) {
  const area = height * width;
  const pixels = new Uint8ClampedArray(n * area * 4); // it rounds half to even, as torch does, and clips
  for (let i = 0, at = 0; i < n; i++) {
    const [r, g, b] = nc === 1 ? [0, 0, 0] : [0, area, 2 * area];
    const start = i * nc * area;
    for (let p = start; p < start + area; p++, at += 4) {
      pixels[at] = (values[p + r] + 1) * 127.5;
      pixels[at + 1] = (values[p + g] + 1) * 127.5;
      pixels[at + 2] = (values[p + b] + 1) * 127.5;
      pixels[at + 3] = 255;
    }
  }
  return pixels;
}

function distance(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}
