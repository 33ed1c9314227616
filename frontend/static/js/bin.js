// The bin: says how many pictures are selected, and lets no button act on none.

const boxes = () => [...document.querySelectorAll(".bin input[type=checkbox]")];

function count() {
  const selected = boxes().filter(({ checked }) => checked).length;
  for (const button of document.querySelectorAll("[data-selected]")) {
    button.disabled = !selected;
    button.dataset.words ??= button.textContent;
    button.textContent = button.dataset.words.replace("selected", selected ? `${selected} selected` : "selected");
  }
}

document.addEventListener("change", count);
count();
