// Suggests existing labels where one is typed: all of them if they are few, else those that the text begins.
// Without an answer nothing is suggested, and any label can be typed.

const PAUSE_MILLISECONDS = 150;
const list = document.getElementById("existing-labels");
let timer;
let isComplete = false;
let shownFor; // the text that the suggestions are for

async function suggest(text) {
  if (isComplete || text === shownFor) return;
  shownFor = text;
  try {
    const answer = await fetch(`${list.dataset.labels}?${new URLSearchParams({ text })}`);
    if (!answer.ok || text !== shownFor) return;
    const { labels, complete } = await answer.json();
    isComplete = complete;
    list.replaceChildren(...labels.map((label) => Object.assign(document.createElement("option"), { value: label })));
  } catch (error) {
    console.error(error);
  }
}

for (const field of document.querySelectorAll("input[list=existing-labels]")) {
  field.addEventListener("focus", () => suggest(""), { once: true });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => suggest(field.value.trim()), PAUSE_MILLISECONDS);
  });
}
