// The page's scripts. Each tab's element is filled when Gradio puts it on the page.

import "./tabs.js";
import "./head.js";
import "./generate.js";
import "./lab/following.js";
import "./lab/lab.js";
import "./interpolate.js";
import "./train.js";

// Gradio's list of choices opens again when the Tab key leaves it, and lies over what comes next.
document.addEventListener("focusout", ({ target }) => {
  if (!target.matches?.('input[role="combobox"]')) return;
  setTimeout(() => { if (target !== document.activeElement) target.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true })); }, 100);
});
