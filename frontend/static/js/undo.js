// Deletion with some seconds to undo. Items are deleted when the time is over or the page is left; nothing is sent before,
// so undoing cannot fail. The timer is paused while the bar is hovered or focused.

const SECONDS = 8;
const MAX_KEEPALIVE_BYTES = 60_000; // browsers send up to 64 KiB after a page is left
let pending; // { body, url, box, timer, undone, after }

const fitsKeepalive = (body) => body.toString().length <= MAX_KEEPALIVE_BYTES;

function undoBar(words, body) {
  const box = document.createElement("div");
  const said = document.createElement("span");
  const button = document.createElement("button");
  box.className = "undo";
  box.setAttribute("role", "status");
  said.textContent = `${words} will be deleted in ${SECONDS} seconds${fitsKeepalive(body) ? ", or when you leave this page" : ""}.`;
  button.type = "button";
  button.textContent = "Undo";
  button.addEventListener("click", undo);
  box.append(said, button);
  for (const come of ["pointermove", "focusin"]) box.addEventListener(come, () => { if (pending?.box === box) clearTimeout(pending.timer); });
  for (const go of ["pointerleave", "focusout"]) box.addEventListener(go, () => { if (pending?.box === box && !box.matches(":focus-within")) startTimer(); });
  return box;
}

function startTimer() {
  clearTimeout(pending.timer);
  pending.timer = setTimeout(deleteNow, SECONDS * 1000);
}

/** Delete the items of the form after the delay; calls `after` when they are deleted, `undone` when they are not. */
export function deleteLater(form, { words, after, undone }) {
  if (pending) deleteNow();
  const body = new URLSearchParams([...new FormData(form)]);
  body.set("sure", "yes");
  const box = undoBar(words, body);
  form.append(box); // next to the focus: the next Tab reaches Undo
  pending = { body, url: form.action, box, undone, after };
  startTimer();
}

function takePending() {
  const taken = pending;
  pending = undefined;
  clearTimeout(taken.timer);
  return taken;
}

function undo() {
  const { box, undone } = takePending();
  const form = box.parentElement;
  box.remove();
  undone();
  form.querySelector("button").focus();
  document.getElementById("status").textContent = "Nothing was deleted.";
}

async function deleteNow() {
  const { body, url, box, after, undone } = takePending();
  box.firstChild.textContent = "Deleting…";
  box.lastChild.remove();
  let answer;
  try {
    answer = await fetch(url, { method: "POST", body, keepalive: fitsKeepalive(body) });
  } catch (error) {
    console.error(error);
  }
  if (answer?.ok) {
    box.remove();
    after();
    return;
  }
  box.firstChild.textContent = `Not everything was deleted. ${await reason(answer)}`;
  undone();
}

/** The text of the error page. */
async function reason(answer) {
  if (!answer) return "this page’s server did not answer.";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("main h1, main h1 + p")].map(({ textContent }) => textContent.trim()).join(". ");
}

addEventListener("pagehide", () => {
  if (!pending || !fitsKeepalive(pending.body)) return;
  const { body, url } = takePending();
  navigator.sendBeacon(url, body);
});
