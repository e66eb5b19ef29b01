// The page's words: the table of gan_core/ui/text.py, which comes with the page.

export const lang = window.STUDIO_LANG;

/** The entry `key` in the visitor's language; {name} is filled in from `values`. */
export function t(key, values = {}) {
  const words = window.STUDIO_TEXT[lang][key];
  if (words === undefined) throw new Error(`no text for ${key}`);
  return words.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

const formats = new Map(); // making one costs more than a hundred uses of it

/** A number in the visitor's language, with so many digits after the point. */
export function number(value, digits = 0) {
  if (!formats.has(digits)) formats.set(digits, new Intl.NumberFormat(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return formats.get(digits).format(value);
}
