// Work on the server that tells how far it is: lines of JSON, the last one with what came of it.

import { ask, Said } from "../server.js";
import { t } from "../text.js";

/** Posts `body`; `heard` gets every line of progress. Resolves with the result. Throws Said, or AbortError. */
export async function told(path, body, heard, signal) {
  const answer = await ask(path, {}, { method: "POST", body: JSON.stringify(body), signal });
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
      if (said.result) return said.result;
      heard(said);
    }
  }
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
