// The page of one item: rows for its attributes, and deletion that can be undone for some seconds.

import "./attribute_rows.js";
import "./label_suggestions.js";
import { deleteLater } from "./undo.js";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-deletes]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const picture = document.querySelector("main figure");
  button.disabled = true;
  picture.classList.add("pending-delete");
  deleteLater(form, {
    count: 1,
    after: () => location.assign(form.dataset.then),
    undone: () => {
      button.disabled = false;
      button.focus();
      picture.classList.remove("pending-delete");
    },
  });
});
