// Whoever reloads the page finds the tab that was open: a run, for example, is there again without a search.

const KEY = "studio-tab";
const TABS = '#tabs button[role="tab"]';

const tabs = () => [...document.querySelectorAll(TABS)];

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.(TABS);
  if (tab) sessionStorage.setItem(KEY, tabs().indexOf(tab));
});

// Gradio paints the tabs before they listen, so ask until one has heard.
const wanted = Number(sessionStorage.getItem(KEY) ?? 0);
let tries = 50;
const asking = wanted > 0 && setInterval(() => {
  const tab = tabs()[wanted];
  if (tab?.getAttribute("aria-selected") === "true" || --tries === 0) clearInterval(asking);
  else tab?.click();
}, 200);
