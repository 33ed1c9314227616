// Shown views and the browser history. Answers are whole pages: their <main> replaces the one shown, and each history
// state keeps its own. The server keeps no query picture: a small copy stays in the browser's history for reloads.

import { gettext } from "./messages.js";
import { fileFromDataUrl } from "./pictures.js";

const MAX_VIEWS = 30;
const PICTURE_FIELDS = ["like", "unlike", "face"]; // hidden fields that the script changes before a search
const views = new Map(); // key in history.state -> { main, title, file, preview }
const initialFields = new WeakMap(); // main -> its PICTURE_FIELDS as served, which belong to its matches

const newKey = () => `${Date.now()}-${Math.random()}`; // unique: a reload empties `views` but not the history
export const searchUrl = `${document.documentElement.dataset.root}search`; // the page may be served under a path
export const template = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
export const currentView = () => views.get(history.state?.key);
export const currentMain = () => document.getElementById("main");
export const say = (words) => { document.getElementById("status").textContent = words; }; // for screen readers

function store(key, view) {
  views.set(key, view);
  if (views.size <= MAX_VIEWS) return;
  const [oldest, { preview }] = views.entries().next().value;
  views.delete(oldest);
  const shared = [...views.values()].some((other) => other.preview === preview);
  if (preview && !shared) URL.revokeObjectURL(preview);
}

/** The field of the new page that corresponds to the focused one. */
function successor(main, focused) {
  if (!focused?.name) return null;
  const same = [...main.querySelectorAll(`[name="${CSS.escape(focused.name)}"]`)].filter(({ type }) => type !== "hidden");
  return same.find(({ value }) => value === focused.value) ?? (focused.type === "checkbox" ? null : same[0]);
}

function pictureFields(main) {
  return [...main.querySelectorAll("form.search > input[type=hidden]")].filter(({ name }) => PICTURE_FIELDS.includes(name));
}

function rememberFields(main) {
  if (!initialFields.has(main)) initialFields.set(main, pictureFields(main).map((field) => field.cloneNode()));
}

/** On return to a page its form shows the query of its matches, not later changes. */
function reset(main) {
  const form = main.querySelector("form");
  if (!form) return;
  form.reset();
  pictureFields(main).forEach((field) => field.remove());
  form.append(...(initialFields.get(main) ?? []).map((field) => field.cloneNode()));
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
  const focusTarget = successor(view.main, focused);
  shown.replaceWith(view.main);
  reset(shown);
  rememberFields(view.main);
  document.title = view.title;
  (focusTarget ?? view.main).focus({ preventScroll: true }); // a setting that is being changed keeps the focus
  say((view.main.querySelector("#matches") ?? view.main.querySelector("h1")).textContent);
  document.dispatchEvent(new CustomEvent("shown", { detail: view }));
}

export function push(view, url) {
  const key = newKey();
  history.pushState({ key, picture: view.picture }, "", url); // first, so that the browser stores the scroll position
  store(key, view);
  display(view);
  scrollTo(0, 0);
}

/** Store the link and the small copy of the picture in the history once they are known. */
export function updateState(view, url) {
  if (currentView() === view) history.replaceState({ ...history.state, picture: view.picture }, "", url);
}

export function showPicture(view) {
  view.main.classList.toggle("has-picture", Boolean(view.file));
  const canvas = view.main.querySelector("[data-canvas]");
  if (!view.preview || !canvas || view.main.dataset.kind === "item") return;
  if (canvas.querySelector("img")?.src === view.preview) return; // keeps boxes that are drawn on it
  const picture = new Image();
  picture.alt = gettext("The picture you searched with");
  picture.draggable = false;
  picture.src = view.preview;
  canvas.replaceChildren(picture);
  if (view.shape) canvas.className = `canvas ${view.shape}`;
}

/** Load a page and put its <main> and title into the view; a failure becomes an error page. */
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

/** XMLHttpRequest, because fetch() does not report upload progress. */
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

/** Restore the picture of a view from the small copy in the history. */
function restore(view) {
  const copy = history.state?.picture;
  if (!copy || view.main.dataset.kind === "item" || view.main.dataset.kind === "address") return;
  view.file = fileFromDataUrl(copy);
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
  store(key, view);
  await load(view, location.href);
  if (currentView() !== view) return;
  restore(view);
  display(view);
});

export function start() {
  history.replaceState({ ...history.state, key: newKey() }, "");
  const view = { main: currentMain(), title: document.title };
  store(history.state.key, view);
  rememberFields(view.main);
  restore(view);
  document.dispatchEvent(new CustomEvent("shown", { detail: view }));
}
