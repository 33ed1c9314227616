// Filters with their counts, fetched when the section is opened and after each change.

import { gettext } from "./messages.js";
import { queryOf, fieldsOf } from "./search.js";
import { send } from "./history.js";

let pointerReleased = Promise.resolve();

function queryStringOf(form) {
  return new URLSearchParams(fieldsOf(form).filter(([name]) => name !== "address")).toString();
}

async function fill(details) {
  const form = details.closest("form");
  const queryString = queryStringOf(form);
  const { text, status } = await send(`${details.dataset.filters}?${queryString}`);
  await pointerReleased;
  if ("filled" in details.dataset && queryStringOf(form) !== queryString) return; // changed meanwhile: keep the input; the next search updates the counts
  const choices = new DOMParser().parseFromString(text, "text/html").getElementById("choices");
  const box = details.querySelector(".choices");
  if (status !== 200 || !choices) {
    if (!("filled" in details.dataset)) showFailure(box);
    return;
  }
  const focused = box.contains(document.activeElement) ? document.activeElement : null;
  box.replaceChildren(...choices.childNodes);
  details.dataset.filled = "";
  if (focused) {
    const same = [...box.querySelectorAll("input")].find(({ name, value, type }) => name === focused.name && (type !== "checkbox" || value === focused.value));
    same?.focus({ preventScroll: true });
  }
}

function showFailure(box) {
  const words = document.createElement("p");
  words.className = "hint";
  words.textContent = gettext("The filters could not be fetched. Close and open them to try again.");
  box.querySelectorAll(".hint").forEach((hint) => hint.remove());
  box.append(words);
}

// Nothing is replaced between pointerdown and pointerup: the click (on touch it comes a little later) would be lost.
document.addEventListener("pointerdown", () => {
  const pressed = new AbortController();
  pointerReleased = new Promise((go) => {
    const end = () => { pressed.abort(); setTimeout(go, 100); };
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end, { signal: pressed.signal });
  });
}, true);

document.addEventListener("toggle", ({ target }) => {
  if (target.matches?.("details.filters") && target.open && !("filled" in target.dataset)) fill(target);
}, true);

document.addEventListener("leaving", ({ detail: { shown, next } }) => {
  const [from, to] = [shown, next].map((main) => main.querySelector("details.filters"));
  if (!from?.open || !to || "filled" in to.dataset || !("filled" in from.dataset)) return;
  to.dataset.filled = ""; // keep the current choices until new counts arrive
  to.querySelector(".choices").replaceChildren(...[...from.querySelector(".choices").childNodes].map((node) => node.cloneNode(true)));
  if (!shown.dataset.link || !next.dataset.link) return; // no link while a search is running
  const [before, now] = [shown, next].map(queryOf);
  for (const field of to.querySelectorAll(".choices input")) { // chips and links change filters
    const { name, value, type } = field;
    const boxed = type === "checkbox";
    const has = (query) => (boxed ? query.getAll(name).includes(value) : query.has(name));
    if (has(before) === has(now)) continue;
    if (boxed) field.checked = has(now);
    else if (!has(now)) field.value = "";
  }
});

document.addEventListener("shown", ({ detail: view }) => {
  const details = view.main.querySelector("details.filters[open]");
  if (details && !view.main.matches("[aria-busy]")) fill(details);
});
