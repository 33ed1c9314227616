// Labels that are probably wrong: each decision is sent at once, and can be undone where it was made.

import "./label_suggestions.js";
import { reasonOf } from "./error_page.js";
import { gettext } from "./messages.js";

const list = document.querySelector(".suspects");
const say = (words) => { document.getElementById("status").textContent = words; };

async function send(url, body) {
  const answer = await fetch(url, { method: "POST", body, headers: { "X-Lookalike-Script": "1" } }).catch(() => null);
  if (answer?.ok) return answer.json();
  throw new Error(await reasonOf(answer));
}

/** Show what was decided in place of the form, with a way back. */
function showDecision(form, { done, id, entry, label }) {
  const item = form.closest("li");
  const words = done === "kept" ? gettext("Kept, and not shown again.") : gettext("Labelled “%(label)s”.", { label });
  const text = document.createElement("span");
  const undo = document.createElement("button");
  text.textContent = words;
  undo.type = "button";
  undo.className = "quiet";
  undo.textContent = gettext("Undo");
  undo.addEventListener("click", async () => {
    try {
      await send(list.dataset.undo, new URLSearchParams(entry ? { id, entry } : { id }));
    } catch ({ message }) {
      text.textContent = message;
      return;
    }
    item.classList.remove("decided");
    item.replaceChildren(form);
    form.querySelector("button").focus();
  });
  item.classList.add("decided");
  item.replaceChildren(text, undo);
  say(words);
  const next = [...list.querySelectorAll(":scope > li:not(.decided) form button")].find((button) => item.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING);
  (next ?? undo).focus();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.closest(".suspects")) return;
  event.preventDefault();
  const body = new URLSearchParams([...new FormData(form)]);
  const other = document.activeElement?.name === "label";
  body.set("decision", other ? "other" : event.submitter?.value ?? "accept");
  if (body.get("decision") === "other" && !body.get("label").trim()) {
    form.elements.label.focus();
    return;
  }
  try {
    showDecision(form, await send(form.action, body));
  } catch ({ message }) {
    say(message);
    form.submit(); // the error page says what is wrong
  }
});
