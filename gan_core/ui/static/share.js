// The same run, step, language and tab for somebody else: a link and its QR code. And the key, for whoever steers.

import { make } from "./dom.js";
import { live } from "./live.js";
import { address } from "./server.js";
import { lang, t } from "./text.js";

/** What the address says of the view. */
export const asked = new URL(location.href).searchParams;
export const lesson = asked.get("controls") === "no"; // the teacher hides what pupils need not see

/** Keeps the address at what is on screen, so that a reload and a copied address open it again. */
export function remember(entries) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(entries)) {
    if (value == null || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

export class Share {
  constructor() {
    this.link = make("input", { type: "text", readonly: true, "aria-label": t("share_link"), onclick: () => this.link.select() });
    this.code = make("img", { class: "share-code", alt: t("share_code") });
    this.hide = make("input", { type: "checkbox", onchange: () => this.#show() });
    this.step = make("input", { type: "checkbox", onchange: () => this.#show() });
    this.stepWords = make("span");
    this.copied = make("p", { class: "message", role: "status" });
    this.key = make("input", { type: "password", autocomplete: "off", "aria-label": t("share_key"), placeholder: t("share_key") });
    this.keyForm = make("form", { class: "bar" }, this.key, make("button", { type: "submit", class: "plain" }, t("share_key_use")));
    this.keyForm.addEventListener("submit", async (event) => {
      event.preventDefault();
      const key = this.key.value.trim();
      this.key.value = "";
      this.copied.textContent = (await live.show(key)) ? "" : t("share_key_wrong");
    });
    live.addEventListener("me", () => this.#may());
    this.dialog = make("dialog", { class: "run-ask share", "aria-label": t("share") },
      make("h3", {}, t("share")), make("p", { class: "run-about" }, t("share_about")), this.code,
      make("div", { class: "bar" }, this.link, make("button", { type: "button", class: "accent", onclick: () => this.#copy() }, t("share_copy"))),
      make("label", {}, this.step, this.stepWords), make("label", {}, this.hide, t("share_hide")), this.copied,
      this.may = make("p", { class: "run-about" }), this.keyForm,
      make("div", { class: "bar" }, make("button", { type: "button", class: "plain", onclick: () => this.dialog.close() }, t("close"))));
    this.element = this.dialog;
  }

  open(run, step) {
    Object.assign(this, { run, at: step });
    this.step.parentElement.hidden = step === undefined;
    this.step.checked = step !== undefined;
    this.stepWords.textContent = t("share_step", { step });
    this.copied.textContent = "";
    this.#may();
    this.#show();
    this.dialog.showModal();
  }

  #show() {
    const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname); // which leads nobody else to this machine
    const url = new URL((here && live.me.address) || location.origin + location.pathname);
    url.searchParams.set("tab", "train");
    url.searchParams.set("run", this.run);
    if (this.step.checked && this.at !== undefined) url.searchParams.set("step", this.at);
    url.searchParams.set("lang", lang);
    if (this.hide.checked) url.searchParams.set("controls", "no");
    this.link.value = url.href;
    this.code.src = address("qr", { text: url.href });
  }

  #may() {
    this.may.textContent = t(live.me.open ? "share_open" : live.me.teacher ? "share_teacher" : "share_watch");
    this.keyForm.hidden = Boolean(live.me.open || live.me.teacher);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.link.value);
      this.copied.textContent = t("share_copied");
    } catch { // no permission, or no https
      this.link.select();
      this.copied.textContent = t("share_select");
    }
  }
}
