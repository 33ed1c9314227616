// Deletion with some seconds to undo. Items move into the bin when the time is over; until then nothing is sent, so that
// undoing cannot fail, and leaving the page cancels it. The timer is paused while the bar is hovered or focused.

import { reasonOf } from "./error_page.js";
import { gettext, ngettext } from "./messages.js";

const SECONDS = 8;
const MAX_KEEPALIVE_BYTES = 60_000; // browsers send up to 64 KiB after a page is left
let pending; // { form, body, box, timer, undone, after }
let shown; // the bar of the last deletion

const element = (name, words, ...classes) => {
  const made = document.createElement(name);
  made.textContent = words;
  made.classList.add(...classes);
  return made;
};

function button(words, act) {
  const made = element("button", words);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function undoBar(count) {
  const box = element("div", "", "undo");
  box.setAttribute("role", "status");
  box.append(
    element("span", ngettext(
      "%(num)s picture will be deleted in %(seconds)s seconds. Leaving this page cancels it.",
      "%(num)s pictures will be deleted in %(seconds)s seconds. Leaving this page cancels it.",
      count, { seconds: SECONDS },
    )),
    button(gettext("Undo"), undo),
    button(gettext("Delete now"), deleteNow),
  );
  for (const come of ["pointermove", "focusin"]) box.addEventListener(come, () => { if (pending?.box === box) clearTimeout(pending.timer); });
  for (const go of ["pointerleave", "focusout"]) box.addEventListener(go, () => { if (pending?.box === box && !box.matches(":focus-within")) startTimer(); });
  return box;
}

function startTimer() {
  clearTimeout(pending.timer);
  pending.timer = setTimeout(deleteNow, SECONDS * 1000);
}

/** Delete the items of the form after the delay; calls `after` when they are deleted, `undone` when they are not. */
export function deleteLater(form, { count, after, undone }) {
  if (pending) deleteNow();
  shown?.remove();
  const body = new URLSearchParams([...new FormData(form)]);
  body.set("sure", "yes");
  const box = undoBar(count);
  shown = box;
  form.append(box); // next to the focus: the next Tab reaches Undo
  pending = { form, body, box, count, undone, after };
  startTimer();
}

function takePending() {
  const taken = pending;
  pending = undefined;
  clearTimeout(taken.timer);
  return taken;
}

function cancel() {
  const { form, box, undone } = takePending();
  box.remove();
  undone();
  return form;
}

function undo() {
  cancel().querySelector("button").focus();
  document.getElementById("status").textContent = gettext("Nothing was deleted.");
}

async function deleteNow() {
  const { form, body, box, count, after, undone } = takePending();
  const hadFocus = box.matches(":focus-within");
  box.replaceChildren(element("span", gettext("Deleting…")));
  if (hadFocus) form.querySelector("button").focus();
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body, keepalive: body.toString().length <= MAX_KEEPALIVE_BYTES });
  } catch (error) {
    console.error(error);
  }
  if (answer?.ok) {
    showBin(form, box, body, count);
    after();
    return;
  }
  box.firstChild.textContent = `${gettext("Not everything was deleted.")} ${await reasonOf(answer)}`;
  undone();
}

/** Say where the items are now, with a way to bring them back. */
function showBin(form, box, body, count) {
  const link = element("a", gettext("Open the bin"));
  link.href = form.dataset.bin;
  box.replaceChildren(
    element("span", ngettext("%(num)s picture is in the bin.", "%(num)s pictures are in the bin.", count)),
    button(gettext("Restore"), () => restore(form.dataset.restore, body, box)),
    link,
  );
}

async function restore(url, body, box) {
  const ids = new URLSearchParams(body.getAll("id").map((id) => ["id", id]));
  const answer = await fetch(url, { method: "POST", body: ids }).catch(() => null);
  if (answer?.ok) location.reload();
  else box.firstChild.textContent = `${gettext("Not restored.")} ${await reasonOf(answer)}`;
}

addEventListener("pagehide", () => { if (pending) cancel(); });
