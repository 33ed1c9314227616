// Suggests existing labels where one is typed: all of them if they are few, else those that the text begins.
// Without an answer nothing is suggested, and any label can be typed.

const PAUSE_MILLISECONDS = 150;
let timer;
let isComplete = false;
let shown = { list: null, text: "" }; // which list has the suggestions for which text

const isLabel = (field) => field.matches?.("input[list=existing-labels]") && field.list;

async function suggest({ list }, text) {
  if (shown.list === list && (isComplete || text === shown.text)) return;
  shown = { list, text };
  try {
    const answer = await fetch(`${list.dataset.labels}?${new URLSearchParams({ text })}`);
    if (!answer.ok || shown.list !== list || shown.text !== text) return;
    const { labels, complete } = await answer.json();
    isComplete = complete;
    list.replaceChildren(...labels.map((label) => Object.assign(document.createElement("option"), { value: label })));
  } catch (error) {
    console.error(error);
  }
}

document.addEventListener("focusin", ({ target }) => {
  if (isLabel(target) && !target.list.options.length) suggest(target, "");
});

document.addEventListener("input", ({ target }) => {
  if (!isLabel(target)) return;
  clearTimeout(timer);
  timer = setTimeout(() => suggest(target, target.value.trim()), PAUSE_MILLISECONDS);
});
