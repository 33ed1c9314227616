// Adds a row for another attribute.

import { gettext } from "./messages.js";

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-another-row]");
  if (!button) return;
  const rows = button.closest(".rows").querySelectorAll(".row");
  const row = rows[rows.length - 1].cloneNode(true);
  row.setAttribute("aria-label", gettext("Attribute %(number)s", { number: rows.length + 1 }));
  for (const field of row.querySelectorAll("input")) [field.value, field.readOnly] = ["", false];
  rows[rows.length - 1].after(row);
  row.querySelector("input").focus();
});
