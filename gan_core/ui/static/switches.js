// The two switches of a head: the language, and the light.

import { face, make, memory } from "./dom.js";
import { lang, t } from "./text.js";

export function languageSwitch() {
  const names = { en: "English", zh: "中文" }; // each in its own language
  const button = (code) =>
    make("button", { type: "button", lang: code, "aria-pressed": String(code === lang), onclick: () => speak(code) }, names[code]);
  return make("div", { class: "segments", role: "group", "aria-label": t("language") }, ...Object.keys(names).map(button));
}

/** The page comes again in the other language: Gradio takes up a language only when it starts. */
function speak(code) {
  memory.set("lang", code);
  const url = new URL(location.href);
  url.searchParams.delete("lang");
  history.replaceState(history.state, "", url);
  location.reload();
}

export function lightSwitch() {
  const dark = () => document.body.classList.contains("dark");
  const button = make("button", { type: "button", class: "icon-button" });
  const show = () => {
    face(button, dark() ? "light" : "dark", t(dark() ? "to_light" : "to_dark"));
  };
  button.addEventListener("click", () => {
    const theme = dark() ? "light" : "dark";
    memory.set("theme", theme);
    document.body.classList.toggle("dark", theme === "dark");
    show();
  });
  new MutationObserver(show).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  show();
  return button;
}
