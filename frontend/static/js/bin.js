// The bin: says how many pictures are selected, and lets no button act on none.

import { localNumber } from "./messages.js";

const boxes = () => [...document.querySelectorAll(".bin input[type=checkbox]")];

function count() {
  const selected = boxes().filter(({ checked }) => checked).length;
  for (const button of document.querySelectorAll("[data-selected]")) {
    button.disabled = !selected;
    button.dataset.words ??= button.textContent;
    button.textContent = selected ? `${button.dataset.words} (${localNumber(selected)})` : button.dataset.words;
  }
}

document.addEventListener("change", count);
count();
