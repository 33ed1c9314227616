// A question before many pictures are deleted at once.

export const MANY = 20;

/** Ask with a heading and a text; resolves to whether the button `action` was pressed. */
export function confirmed({ heading, text, action, keep }) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  const title = document.createElement("h2");
  const explanation = document.createElement("p");
  const buttons = document.createElement("p");
  title.id = "ask-title";
  title.textContent = heading;
  explanation.textContent = text;
  dialog.setAttribute("aria-labelledby", title.id);
  buttons.className = "decision";
  for (const [words, value, classes] of [[keep, "", "quiet"], [action, "yes", "danger"]]) {
    const button = document.createElement("button");
    button.textContent = words;
    button.className = classes;
    button.addEventListener("click", () => dialog.close(value));
    buttons.append(button);
  }
  dialog.append(title, explanation, buttons);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
