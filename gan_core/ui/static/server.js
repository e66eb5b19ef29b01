// Asking the server: routes under /gradio_api/gan, wherever the app is mounted.

import { t } from "./text.js";

const BASE = new URL("../", import.meta.url);

/** Something that can be said to the person in front of the page. */
export class Said extends Error {}

export function address(path, asked = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(asked)) {
    if (value != null) url.searchParams.set(name, value);
  }
  return url;
}

const JSON_KIND = { "content-type": "application/json" };

/** The answer, if it is one; a body of text is JSON. Throws Said with a sentence in the visitor's language, or AbortError. */
export async function ask(path, asked = {}, options = {}) {
  let answer;
  const kind = typeof options.body === "string" && JSON_KIND;
  try {
    answer = await fetch(address(path, asked), { ...options, headers: { ...kind, ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Said(t("server_gone"));
  }
  if (!answer.ok) throw new Said(t("went_wrong"));
  if (answer.headers.get("content-type")?.startsWith("application/json")) {
    const values = await answer.json();
    if (values.error) throw new Said(values.error);
    return values;
  }
  return answer;
}

/** A sprite, and what the server says about it: {bitmap, n, columns, size, ...}. */
export async function askSprite(path, asked, options) {
  const answer = await ask(path, asked, options);
  const about = JSON.parse(answer.headers.get("x-about"));
  return { ...about, bitmap: await createImageBitmap(await answer.blob()) };
}

/** The lines of JSON of an answer that tells how far some work is. Throws Said for what went wrong, and where it breaks off. */
export async function* linesOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Said(t("server_gone"));
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const said = JSON.parse(line);
      if (said.error !== undefined) throw new Said(said.error || t("server_gone"));
      yield said;
    }
  }
}

/** Fetches a file and hands it to the browser's downloads. */
export async function download(path, asked) {
  const answer = await ask(path, asked);
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition"))?.[1] ?? "download";
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Does one piece of work at a time; of what is asked for meanwhile only the last is done. */
export function latest(work) {
  let busy = false;
  let next = null;
  return async function ask(...asked) {
    next = asked;
    if (busy) return;
    busy = true;
    try {
      while (next) {
        const now = next;
        next = null;
        await work(...now);
      }
    } finally {
      busy = false;
    }
  };
}
