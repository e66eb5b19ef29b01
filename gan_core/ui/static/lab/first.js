// The first script of a page of its own, before anything is painted: the visitor's language and light.
{
  const asked = new URL(location.href).searchParams;
  const read = (key) => { try { return localStorage.getItem(`studio.${key}`); } catch { return null; } }; // a private window
  const wish = asked.get("lang") ?? read("lang") ?? navigator.language;
  window.STUDIO_LANG = wish.toLowerCase().startsWith("zh") ? "zh" : "en";
  document.documentElement.lang = window.STUDIO_LANG === "zh" ? "zh-CN" : "en";
  const light = asked.get("__theme") ?? read("theme"); // the Hub's own pages say __theme to the Spaces in their frames
  const dark = light ? light === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.body.classList.toggle("dark", dark);
  if (location.protocol === "file:") { // no browser runs the modules from there: the pictures painted beforehand stay
    addEventListener("DOMContentLoaded", () => (document.querySelector(".site-preview figcaption").textContent = window.STUDIO_TEXT[window.STUDIO_LANG]["site_file"]));
  }
}
