// "This is wrong" on a match: said at once, and taken back by the same button.

import { reasonOf } from "./error_page.js";
import { say } from "./history.js";
import { gettext } from "./messages.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-wrong]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const { entry } = button.dataset;
  const answer = await fetch(entry ? form.dataset.undo : form.action, {
    method: "POST",
    body: entry ? new URLSearchParams({ entry }) : new URLSearchParams([...new FormData(form)]),
    headers: { "X-Lookalike-Script": "1" },
  }).catch(() => null);
  if (!answer?.ok) {
    say(await reasonOf(answer));
    form.submit(); // the error page says what is wrong
    return;
  }
  if (entry) delete button.dataset.entry;
  else button.dataset.entry = (await answer.json()).entry;
  button.setAttribute("aria-pressed", String(!entry));
  form.closest(".tile").classList.toggle("is-wrong", !entry);
  say(entry ? gettext("Taken back.") : gettext("Kept as wrong. The next training can learn from it."));
});
