// A page of its own: the laboratory without the studio around it, and how the model learned where the export had a run.

import { make } from "../dom.js";
import { languageSwitch, lightSwitch } from "../switches.js";
import { number, t } from "../text.js";
import { site } from "./home.js";
import { Inside } from "./inside.js";
import "./lab.js";
import { Training } from "./training.js";

const main = document.querySelector("main");
const preview = document.querySelector(".site-preview");
const PREVIEW = 4; // of these in a row, as in gan_core/export/page.py
const PARTS = { explore: "site_explore", training: "site_training" };

function mount() {
  head();
  if (!window.WebAssembly) return cannot();
  Inside.anywhere = site.inside; // its graph may have been too large for this page
  const lab = document.createElement("gan-lab");
  const parts = { explore: make("section", { class: "site-part", ...(site.training && { role: "tabpanel", "aria-label": t("site_explore") }) }, lab) };
  if (site.training) {
    const training = new Training((seed, label) => {
      show("explore");
      lab.openFrom({ model: site.about.key, seed, label, truncation: 1 }); // once it is there: a link may have led to the training first
    });
    parts.training = training.element;
    training.element.classList.add("site-part");
  }
  preview.remove();
  if (parts.training) main.append(bar(parts));
  main.append(...Object.values(parts), about());
  if (!/[?&](z|seed)=/.test(location.search)) { // seed 0 is the first of the pictures painted beforehand, and the one that opens
    Object.assign(lab.querySelector(".hand-picture").style, { background: `0 0 / ${100 * PREVIEW}% url(preview.webp)`, imageRendering: "pixelated" });
  }
  show(site.training && location.hash === "#training" ? "training" : "explore");

  function show(name) {
    for (const [other, part] of Object.entries(parts)) part.hidden = other !== name;
    for (const button of document.querySelectorAll(".site-parts button")) {
      button.setAttribute("aria-selected", String(button.dataset.part === name));
      button.setAttribute("tabindex", button.dataset.part === name ? "0" : "-1");
    }
    const url = new URL(location.href);
    url.hash = name === "training" ? "training" : "";
    history.replaceState(history.state, "", url.hash ? url : url.href.replace(/#$/, ""));
  }

  function bar(all) {
    const tabs = make("div", { class: "site-parts", role: "tablist", "aria-label": t("site_parts") },
      ...Object.keys(all).map((name) => make("button", { type: "button", role: "tab", "data-part": name, onclick: () => show(name) }, t(PARTS[name]))));
    tabs.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way) return;
      const buttons = [...tabs.children];
      const next = buttons.at((buttons.indexOf(event.target) + way) % buttons.length);
      next.focus();
      show(next.dataset.part);
    });
    return tabs;
  }
}

function head() {
  const { words } = site.card;
  document.querySelector(".head-bar").append(
    make("p", { class: "tagline" }, words || t("site_lead", { nz: site.about.nz })),
    make("div", { class: "switches" }, languageSwitch(), lightSwitch()),
  );
}

/** The pictures painted beforehand stay, with a sentence. */
function cannot() {
  preview.querySelector("img").alt = t("site_preview");
  preview.querySelector("figcaption").textContent = t("site_no_wasm");
  preview.classList.add("still");
  main.append(about());
}

/** The model card, folded away. */
function about() {
  const { card, about: { size, nz } } = site;
  const facts = [
    ["site_data", card.pictures ? t("site_pictures", { name: card.data, n: number(card.pictures) }) : card.data],
    ["site_licence", card.licence],
    ["site_steps", card.steps && number(card.steps)],
    ["site_minutes", card.minutes && t("site_minutes_are", { n: number(card.minutes) })],
    ["site_size", t("site_size_is", { size, nz })],
    ["site_game", card.loss],
  ].filter(([, value]) => value);
  return make("details", { class: "site-about" }, make("summary", {}, t("site_about")),
    make("dl", {}, ...facts.flatMap(([key, value]) => [make("dt", {}, t(key)), make("dd", {}, String(value))])),
    make("p", {}, `${t("site_made_by")} ${t("site_runtime")}`));
}

mount();
