// Searching with words: suggests known labels and values as one types.

const PAUSE_MILLISECONDS = 150;
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
