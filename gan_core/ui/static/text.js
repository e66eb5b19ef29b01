// The page's words: the table of gan_core/ui/text.py, which comes with the page.

export const lang = window.STUDIO_LANG;

/** The entry `key` in the visitor's language; {name} is filled in from `values`. */
export function t(key, values = {}) {
  const words = window.STUDIO_TEXT[lang][key];
  if (words === undefined) throw new Error(`no text for ${key}`);
  return words.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export const number = (value, digits = 0) =>
  value.toLocaleString(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
