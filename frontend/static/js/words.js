// Searching with words: suggests known labels and values, and "/" leads to the field from anywhere on the page.

import { currentMain } from "./history.js";

const PAUSE_MILLISECONDS = 150;
const isTyping = (element) => element?.matches("input, textarea, select, [contenteditable]");
let timer;

async function suggest(field) {
  const text = field.value.trim();
  let known = [];
  try {
    const answer = text && await fetch(`${field.list.dataset.suggestions}?${new URLSearchParams({ text })}`);
    if (answer?.ok) known = await answer.json();
  } catch (error) {
    console.error(error); // nothing is suggested, and any word can be typed
  }
  if (field.value.trim() !== text) return;
  field.list.replaceChildren(...known.map(({ value, attribute }) => Object.assign(document.createElement("option"), { value, label: attribute ? `${attribute}: ${value}` : value })));
}

document.addEventListener("input", ({ target, inputType }) => {
  if (target.name !== "text" || !target.list) return;
  clearTimeout(timer);
  if (!inputType || inputType === "insertReplacementText") { // a suggestion was chosen, or all was cleared
    if (target.value) target.form.requestSubmit();
  } else timer = setTimeout(() => suggest(target), PAUSE_MILLISECONDS);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(document.activeElement)) return;
  const field = currentMain().querySelector("input[name=text]");
  if (!field || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  for (let outer = field.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
  field.focus();
  field.select();
});
