// Texts of scripts in the language of the page, from the catalogue that the page names; in English without one.
// Values have names, %(name)s; numbers among them are written as the language writes them. A percent sign is %%.

const { lang, dataset } = document.documentElement;
const catalogue = await read(dataset.messages);
const numbers = new Intl.NumberFormat(lang);
const lists = new Intl.ListFormat(lang, { type: "unit", style: "short" });
const rules = new Intl.PluralRules(lang);
const categories = ["zero", "one", "two", "few", "many", "other"].filter((each) => rules.resolvedOptions().pluralCategories.includes(each));

async function read(url) {
  if (!url) return {};
  try {
    return await (await fetch(url)).json();
  } catch (error) {
    console.error(error);
    return {};
  }
}

/** A text with its values. */
export function gettext(text, values = {}) {
  return withValues(catalogue[text]?.[0] ?? text, values);
}

/** A text in the form that fits the number `num`, which is one of its values. */
export function ngettext(one, many, num, values = {}) {
  const forms = catalogue[one];
  const text = forms ? forms[Math.min(categories.indexOf(rules.select(num)), forms.length - 1)] : num === 1 ? one : many;
  return withValues(text, { num, ...values });
}

/** A number as the language writes it. */
export const localNumber = (number) => numbers.format(number);

/** Texts in one, separated as the language does it. */
export const listOf = (texts) => lists.format(texts);

function withValues(text, values) {
  return text.replace(/%(?:%|\((\w+)\)s)/g, (match, name) => {
    if (!name) return "%";
    return typeof values[name] === "number" ? localNumber(values[name]) : values[name];
  });
}
