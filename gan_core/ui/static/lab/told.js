// Work on the server that tells how far it is: lines of JSON, the last one with what came of it.

import { ask, linesOf } from "../server.js";

/** Posts `body`; `heard` gets every line of progress. Resolves with the result. Throws Said, or AbortError. */
export async function told(path, body, heard, signal) {
  for await (const said of linesOf(await ask(path, {}, { method: "POST", body: JSON.stringify(body), signal }))) {
    if (said.result) return said.result;
    heard(said);
  }
  return undefined;
}

/** Seconds that are left, by how long the part that is done took. */
export class Clock {
  constructor() {
    this.since = performance.now();
  }

  left(share) {
    const passed = (performance.now() - this.since) / 1000;
    return share > 0 ? Math.max(1, Math.ceil((passed / share) * (1 - share))) : null;
  }
}
