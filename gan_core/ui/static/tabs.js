// Whoever reloads the page finds the tab that was open: a run, for example, is there again without a search.

const KEY = "studio-tab";
const TABS = '#tabs > .tab-wrapper button[role="tab"]'; // Explore has tabs of its own

const NAMES = ["generate", "explore", "interpolate", "train"]; // in their order on the page

const tabs = () => [...document.querySelectorAll(TABS)];

export const openTab = (name) => tabs()[NAMES.indexOf(name)]?.click();

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.(TABS);
  if (!tab) return;
  sessionStorage.setItem(KEY, tabs().indexOf(tab));
  const url = new URL(location.href);
  url.searchParams.delete("tab"); // it said where to begin
  if (url.href !== location.href) history.replaceState(history.state, "", url);
});

// A link may name one. Gradio paints the tabs before they listen, so ask until one has heard.
const named = NAMES.indexOf(new URL(location.href).searchParams.get("tab"));
const wanted = named >= 0 ? named : Number(sessionStorage.getItem(KEY) ?? 0);
let tries = 50;
const asking = wanted > 0 && setInterval(() => {
  const tab = tabs()[wanted];
  if (tab?.getAttribute("aria-selected") === "true" || --tries === 0) clearInterval(asking);
  else tab?.click();
}, 200);
