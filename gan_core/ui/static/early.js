// Runs in <head>, before Gradio looks at the browser: the visitor's language and light.
{
  const url = new URL(location.href);
  const read = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const wish = url.searchParams.get("lang") ?? read("studio.lang") ?? navigator.language;
  const lang = wish.toLowerCase().startsWith("zh") ? "zh" : "en";
  window.STUDIO_LANG = lang;
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  document.cookie = `lang=${lang}; path=/; max-age=31536000; samesite=lax`; // for the sentences that the server says
  Object.defineProperty(navigator, "language", { get: () => (lang === "zh" ? "zh-CN" : "en"), configurable: true });
  Object.defineProperty(navigator, "languages", { get: () => [navigator.language], configurable: true });

  // Who this browser is, so that whoever starts a run may steer it; and the teacher's key, which comes in an address once.
  const write = (key, value) => { try { localStorage.setItem(key, value); } catch { /* a private window */ } };
  const digits = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const visitor = read("studio.visitor") ?? digits(crypto.getRandomValues(new Uint8Array(16)));
  write("studio.visitor", visitor);
  if (url.searchParams.has("key")) {
    if (/^[!-~]+$/.test(url.searchParams.get("key"))) write("studio.key", url.searchParams.get("key"));
    url.searchParams.delete("key");
    history.replaceState(history.state, "", url);
  }
  window.STUDIO_VISITOR = visitor;
  const safe = location.protocol === "https:"; // in a Space's frame only such cookies come back
  document.cookie = `studio-visitor=${visitor}; path=/; max-age=31536000; ${safe ? "samesite=none; secure; partitioned" : "samesite=lax"}`;

  const theme = read("studio.theme"); // "light", "dark", or nothing: as the system has it
  if (theme && url.searchParams.get("__theme") !== theme) {
    url.searchParams.set("__theme", theme);
    history.replaceState(history.state, "", url);
  }

  /** What Generate's controls stood at before this page was loaded again; ?model=... in the address comes first. */
  window.studioKept = () => {
    let kept = {};
    try { kept = JSON.parse(sessionStorage.getItem("studio.generate")) ?? {}; } catch { /* a private window, or a stranger's */ }
    const model = url.searchParams.get("model");
    return model ? { ...kept, model } : kept;
  };

  /** For Gradio's events: element.method(...values), as soon as the element is on the page; of several calls the last. */
  const waiting = {};
  window.studioCall = (tag, method, values) => {
    const element = document.querySelector(tag);
    if (element?.[method]) element[method](...values);
    else (waiting[tag] ??= {})[method] = values;
  };
  window.studioArrived = (element) => {
    const tag = element.localName;
    for (const [method, values] of Object.entries(waiting[tag] ?? {})) element[method](...values);
    delete waiting[tag];
  };
}
