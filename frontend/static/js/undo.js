// Deleting with some seconds to think again. The items are deleted only once these are over, or when the page is left:
// until then nothing has happened, so that undoing cannot fail. While somebody is at the bar that says so, time stands still.

const SECONDS = 8;
const MOST_TAKEN_ALONG = 60_000; // bytes; of what is under way when a page is left, browsers send 64 KiB on
let pending; // { body, url, box, timer, undone, after }

const goesAlong = (body) => body.toString().length <= MOST_TAKEN_ALONG;

function bar(words, body) {
  const box = document.createElement("div");
  const said = document.createElement("span");
  const button = document.createElement("button");
  box.className = "undo";
  box.setAttribute("role", "status");
  said.textContent = `${words} will be deleted in ${SECONDS} seconds${goesAlong(body) ? ", or when you leave this page" : ""}.`;
  button.type = "button";
  button.textContent = "Undo";
  button.addEventListener("click", undo);
  box.append(said, button);
  for (const come of ["pointermove", "focusin"]) box.addEventListener(come, () => { if (pending?.box === box) clearTimeout(pending.timer); });
  for (const go of ["pointerleave", "focusout"]) box.addEventListener(go, () => { if (pending?.box === box && !box.matches(":focus-within")) wind(); });
  return box;
}

function wind() {
  clearTimeout(pending.timer);
  pending.timer = setTimeout(act, SECONDS * 1000);
}

/** Delete what the form names, later. `after` is called with the server's answer, `undone` instead if it is undone. */
export function deleteLater(form, { words, after, undone }) {
  if (pending) act();
  const body = new URLSearchParams([...new FormData(form)]);
  body.set("sure", "yes");
  const box = bar(words, body);
  form.append(box); // where the focus is: the next Tab leads to Undo
  pending = { body, url: form.action, box, undone, after };
  wind();
}

function take() {
  const taken = pending;
  pending = undefined;
  clearTimeout(taken.timer);
  return taken;
}

function undo() {
  const { box, undone } = take();
  const form = box.parentElement;
  box.remove();
  undone();
  form.querySelector("button").focus();
  document.getElementById("status").textContent = "Nothing was deleted.";
}

async function act() {
  const { body, url, box, after, undone } = take();
  box.firstChild.textContent = "Deleting…";
  box.lastChild.remove();
  let answer;
  try {
    answer = await fetch(url, { method: "POST", body, keepalive: goesAlong(body) });
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

/** What the page that came instead says. */
async function reason(answer) {
  if (!answer) return "this page’s server did not answer.";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("main h1, main h1 + p")].map(({ textContent }) => textContent.trim()).join(". ");
}

addEventListener("pagehide", () => {
  if (!pending || !goesAlong(pending.body)) return;
  const { body, url } = take();
  navigator.sendBeacon(url, body);
});
