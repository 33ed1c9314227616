// What is shown, and going back and forward. Answers are whole pages: their <main> takes the place of the one shown, and
// every state of the history keeps its own. The picture that was searched with is never kept on the server: a small copy
// of it stays in this browser's history, so that it is there again after a reload.

import { fromText } from "./pictures.js";

const KEPT_VIEWS = 30;
const PICTURED = ["like", "unlike", "face"]; // hidden fields that the script changes before it asks
const views = new Map(); // key in history.state -> { main, title, file, preview }
const given = new WeakMap(); // main -> its PICTURED fields as they came, by which its matches were found

const newKey = () => `${Date.now()}-${Math.random()}`; // a reload empties `views`, not the history: no key comes twice
export const template = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
export const currentView = () => views.get(history.state?.key);
export const currentMain = () => document.getElementById("main");
export const say = (words) => { document.getElementById("status").textContent = words; }; // read out by screen readers

function keep(key, view) {
  views.set(key, view);
  if (views.size <= KEPT_VIEWS) return;
  const [oldest, { preview }] = views.entries().next().value;
  views.delete(oldest);
  const shared = [...views.values()].some((other) => other.preview === preview);
  if (preview && !shared) URL.revokeObjectURL(preview);
}

/** The field of the new page that stands for the one that has the focus. */
function successor(main, focused) {
  if (!focused?.name) return null;
  const same = [...main.querySelectorAll(`[name="${CSS.escape(focused.name)}"]`)].filter(({ type }) => type !== "hidden");
  return same.find(({ value }) => value === focused.value) ?? (focused.type === "checkbox" ? null : same[0]);
}

function pictured(main) {
  return [...main.querySelectorAll("form.search > input[type=hidden]")].filter(({ name }) => PICTURED.includes(name));
}

function remember(main) {
  if (!given.has(main)) given.set(main, pictured(main).map((field) => field.cloneNode()));
}

/** Whoever comes back to a page finds in its form what it shows, not what was asked there last. */
function reset(main) {
  const form = main.querySelector("form");
  if (!form) return;
  form.reset();
  pictured(main).forEach((field) => field.remove());
  form.append(...(given.get(main) ?? []).map((field) => field.cloneNode()));
}

export function display(view) {
  const shown = currentMain();
  const focused = shown.contains(document.activeElement) ? document.activeElement : null;
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  showPicture(view);
  document.dispatchEvent(new CustomEvent("leaving", { detail: { shown, next: view.main } }));
  for (const details of shown.querySelectorAll("details[open][class]")) {
    const same = view.main.querySelector(`details.${details.className.split(" ")[0]}`);
    if (same) same.open = true;
  }
  const heir = successor(view.main, focused);
  shown.replaceWith(view.main);
  reset(shown);
  remember(view.main);
  document.title = view.title;
  (heir ?? view.main).focus({ preventScroll: true }); // whoever is changing a setting stays there
  say((view.main.querySelector("#matches") ?? view.main.querySelector("h1")).textContent);
  document.dispatchEvent(new CustomEvent("shown", { detail: view }));
}

export function push(view, url) {
  const key = newKey();
  history.pushState({ key, picture: view.picture }, "", url); // first: the browser notes how far this page was scrolled
  keep(key, view);
  display(view);
  scrollTo(0, 0);
}

/** Tell the history what it can only know now: the link, or the small copy of the picture. */
export function note(view, url) {
  if (currentView() === view) history.replaceState({ ...history.state, picture: view.picture }, "", url);
}

export function showPicture(view) {
  view.main.classList.toggle("has-picture", Boolean(view.file));
  const canvas = view.main.querySelector("[data-canvas]");
  if (!view.preview || !canvas || view.main.dataset.kind === "item") return;
  if (canvas.querySelector("img")?.src === view.preview) return; // with what is drawn on it
  const picture = new Image();
  picture.alt = "The picture you searched with";
  picture.draggable = false;
  picture.src = view.preview;
  canvas.replaceChildren(picture);
  if (view.shape) canvas.className = `canvas ${view.shape}`;
}

/** Ask the server for a page; give its <main> and title to the view. Failures become a page as well. */
export async function load(view, url, body, onProgress) {
  try {
    const answer = await send(url, body, onProgress);
    const page = new DOMParser().parseFromString(answer.text, "text/html");
    const main = page.getElementById("main");
    if (!main) throw new TypeError(`no page came from ${url}`);
    view.main = document.adoptNode(main);
    view.title = page.title;
    view.url = main.dataset.link ?? answer.url;
  } catch (error) {
    console.error(error);
    view.main = template("unanswered");
    view.title = view.main.querySelector("h1").textContent;
    if (!body) view.main.querySelector("[data-again]").href = url;
  }
  showPicture(view);
}

/** Not by fetch(), which does not tell how much of a picture is sent. */
export function send(url, body, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(body ? "POST" : "GET", url);
    request.setRequestHeader("X-Lookalike-Script", "1");
    if (onProgress) request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onload = () => resolve({ status: request.status, text: request.responseText, url: request.responseURL });
    request.onerror = () => reject(new TypeError(`no answer from ${url}`));
    request.send(body);
  });
}

/** The picture of a state whose view is gone, from the small copy in the history. */
function restore(view) {
  const copy = history.state?.picture;
  if (!copy || view.main.dataset.kind === "item" || view.main.dataset.kind === "address") return;
  view.file = fromText(copy);
  view.preview = URL.createObjectURL(view.file);
  view.picture = copy;
  showPicture(view);
}

addEventListener("popstate", async () => {
  const known = currentView();
  if (known) {
    display(known);
    return;
  }
  const view = {};
  const key = history.state?.key ?? newKey();
  history.replaceState({ ...history.state, key }, "");
  keep(key, view);
  await load(view, location.href);
  if (currentView() !== view) return;
  restore(view);
  display(view);
});

export function begin() {
  history.replaceState({ ...history.state, key: newKey() }, "");
  const view = { main: currentMain(), title: document.title };
  keep(history.state.key, view);
  remember(view.main);
  restore(view);
  document.dispatchEvent(new CustomEvent("shown", { detail: view }));
}
