// Keys on every page: "/" leads to the field for words, "?" lists the keys.

const WORDS = "#words";
const isTyping = (element) => element?.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
const wordsField = () => document.querySelector("#main input[name=text]");

function toWords() {
  const field = wordsField();
  if (!field) {
    location.assign(`${document.documentElement.dataset.root}${WORDS}`);
    return;
  }
  for (let outer = field.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
  field.focus();
  field.select();
}

function listKeys() {
  if (document.querySelector("dialog.keys")) return;
  const dialog = document.getElementById("keys").content.firstElementChild.cloneNode(true);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.querySelector("button").addEventListener("click", () => dialog.close());
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(document.activeElement)) return;
  if (event.key === "?") listKeys();
  else if (event.key === "/" && !document.querySelector("dialog[open]")) toWords();
  else return;
  event.preventDefault();
});

if (location.hash === WORDS) wordsField()?.focus();
