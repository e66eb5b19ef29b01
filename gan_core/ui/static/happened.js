// What happened in a run, besides training: advice, changed settings, ways back, forks. Each is marked on the curves with its sign.

import { make } from "./dom.js";
import { count } from "./sheet.js";
import { lang, t } from "./text.js";

export const signs = { advice: "!", action: "+", changed: "◆", resumed: "←", forked: "Y", parent: "Y" }; // in every font
const SHOWN = 60; // the newest

export class Happened {
  // go(step): the time line shall stand there
  constructor(go) {
    this.go = go;
    this.list = make("ol");
    this.element = make("details", { class: "happened", hidden: true, open: true }, this.title = make("summary"), this.list);
  }

  draw(run) {
    const marks = run.record.marks.filter((mark) => signs[mark.kind] || mark.kind === "refused");
    const text = JSON.stringify([run.name, marks]);
    if (text === this.drawn) return;
    this.drawn = text;
    this.element.hidden = !marks.length;
    this.title.textContent = t("happened", { n: marks.length });
    this.list.replaceChildren(...marks.slice(-SHOWN).reverse().map((mark) =>
      make("li", {}, make("span", { class: "happened-sign", "aria-hidden": "true" }, signs[mark.kind] ?? "×"),
        make("button", { type: "button", onclick: () => this.go(mark.step) }, t("time_at", { step: count(mark.step) })),
        make("span", {}, words(mark)))));
  }
}

function words(mark) {
  if (mark[lang]) return mark[lang];
  if (mark.kind === "changed") {
    const value = (v) => (Array.isArray(v) ? v.join(" + ") || "–" : typeof v === "boolean" ? (v ? "✓" : "–") : String(v));
    return Object.keys(mark.now).map((name) => `${name}: ${value(mark.was?.[name])} → ${value(mark.now[name])}`).join(", ");
  }
  if (mark.kind === "resumed") return mark.to == null ? t("happened_resumed") : t("happened_back", { step: count(mark.to) });
  return t(`happened_${mark.kind}_to`, { name: mark.run });
}
