// Deleting with some seconds to think again. The items are deleted only once these are over, or when the page is left:
// until then nothing has happened, so that undoing cannot fail.

const SECONDS = 8;
let pending; // { body, url, bar, timer, undone }

function bar(words) {
  const box = document.createElement("div");
  const said = document.createElement("span");
  const button = document.createElement("button");
  box.className = "undo";
  box.setAttribute("role", "status");
  said.textContent = `${words} will be deleted in ${SECONDS} seconds, or when you leave this page.`;
  button.type = "button";
  button.textContent = "Undo";
  button.addEventListener("click", undo);
  box.append(said, button);
  return box;
}

/** Delete what the form names, later. `after` is called with the server's answer, `undone` instead if it is undone. */
export function deleteLater(form, { words, after, undone }) {
  if (pending) act();
  const body = new FormData(form);
  body.set("sure", "yes");
  const box = bar(words);
  form.append(box); // where the focus is: the next Tab leads to Undo
  pending = { body, url: form.action, box, undone, after, timer: setTimeout(act, SECONDS * 1000) };
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
    answer = await fetch(url, { method: "POST", body, keepalive: true });
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
  if (!pending) return;
  const { body, url } = take();
  navigator.sendBeacon(url, body);
});
