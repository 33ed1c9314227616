// Filters with their counts, fetched when they are opened, and again for what has been chosen.

import { askedBy, fieldsOf } from "./search.js";
import { send } from "./history.js";

let letGo = Promise.resolve();

function saidBy(form) {
  return new URLSearchParams(fieldsOf(form).filter(([name]) => name !== "address")).toString();
}

async function fill(details) {
  const form = details.closest("form");
  const said = saidBy(form);
  const { text, status } = await send(`${details.dataset.filters}?${said}`);
  await letGo;
  if ("filled" in details.dataset && saidBy(form) !== said) return; // typed meanwhile: it stays, and counts anew once it is asked
  const choices = new DOMParser().parseFromString(text, "text/html").getElementById("choices");
  const box = details.querySelector(".choices");
  if (status !== 200 || !choices) {
    if (!("filled" in details.dataset)) tell(box);
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

function tell(box) {
  const words = document.createElement("p");
  words.className = "hint";
  words.textContent = "The filters could not be fetched. Close and open them to try again.";
  box.querySelectorAll(".hint").forEach((hint) => hint.remove());
  box.append(words);
}

// What is pressed stays where it is until it is let go: else the click, which of a finger comes a little later, would be lost.
document.addEventListener("pointerdown", () => {
  const pressed = new AbortController();
  letGo = new Promise((go) => {
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
  to.dataset.filled = ""; // what was chosen just now, until it comes with new counts
  to.querySelector(".choices").replaceChildren(...[...from.querySelector(".choices").childNodes].map((node) => node.cloneNode(true)));
  if (!shown.dataset.link || !next.dataset.link) return; // while a search is on its way, nothing says what is on
  const [before, now] = [shown, next].map(askedBy);
  for (const field of to.querySelectorAll(".choices input")) { // a chip or a link takes filters off, or puts one on
    const { name, value, type } = field;
    const boxed = type === "checkbox";
    const has = (asked) => (boxed ? asked.getAll(name).includes(value) : asked.has(name));
    if (has(before) === has(now)) continue;
    if (boxed) field.checked = has(now);
    else if (!has(now)) field.value = "";
  }
});

document.addEventListener("shown", ({ detail: view }) => {
  const details = view.main.querySelector("details.filters[open]");
  if (details && !view.main.matches("[aria-busy]")) fill(details);
});
