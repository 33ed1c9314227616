// Shows why a match was found, in a dialog instead of on a page of its own.

import { currentMain, currentView, say, send, template } from "./history.js";
import { gettext } from "./messages.js";
import { decode, fileToSend } from "./pictures.js";
import { cropOf } from "./search.js";

async function explain(control) {
  const link = control.closest("a");
  say(gettext("Comparing the two pictures…"));
  control.setAttribute("aria-busy", "true");
  const body = link ? undefined : await bodyOf(control);
  let page;
  try {
    page = new DOMParser().parseFromString((await send(link?.href ?? control.dataset.why, body)).text, "text/html");
  } catch (error) {
    console.error(error);
  }
  control.removeAttribute("aria-busy");
  const content = page?.getElementById("main") ?? document.getElementById("unanswered").content.firstElementChild.cloneNode(true);
  content.querySelectorAll("form, [data-leave], [data-again]").forEach((each) => each.remove());
  const dialog = template("sheet");
  dialog.querySelector(".content").replaceChildren(...[...content.childNodes]);
  dialog.querySelector(".content").classList.add(content.matches(".why") ? "why" : "problem");
  dialog.querySelector("h1").id = "why";
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (control.isConnected) control.focus();
  });
  dialog.showModal();
}

/** The form data of an explanation: the query picture, its crop or face, and the match. */
async function bodyOf(control) {
  const body = new FormData();
  const { file, preview } = currentView();
  const form = currentMain().querySelector("form.search");
  for (const field of form.elements) {
    if (["left", "top", "width", "height", "face"].includes(field.name) && field.value) body.set(field.name, field.value);
  }
  for (const { value } of currentMain().querySelectorAll("form.search [name=like]")) body.append("like", value);
  body.set("file", await fileToSend(file, await decode(preview), cropOf(form)), "picture");
  body.set("match", control.closest("[data-id]").dataset.id);
  return body;
}

document.addEventListener("click", (event) => {
  const control = event.target.closest("[data-why]");
  if (!control || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (!control.hasAttribute("aria-busy")) explain(control);
});
