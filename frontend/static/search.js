"use strict";
// Makes the page quicker to use; without it, forms and links do the same. A picture that is dropped, pasted or chosen
// is searched at once. Answers are whole pages: their <main> takes the place of the one shown, and every state of
// the history keeps its own, so that going back shows what was there, with the picture that was searched with.

const KEPT_VIEWS = 30;
const views = new Map(); // key in history.state -> { main, title, file, preview }

let following; // the view that is on its way

const template = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const currentView = () => views.get(history.state?.key);

function keep(key, view) {
  views.set(key, view);
  if (views.size <= KEPT_VIEWS) return;
  const [oldest, { preview }] = views.entries().next().value;
  views.delete(oldest);
  const shared = [...views.values()].some((other) => other.preview === preview);
  if (preview && !shared) URL.revokeObjectURL(preview);
}

function display(view) {
  const shown = document.getElementById("main");
  const focused = shown.contains(document.activeElement) ? document.activeElement.name : "";
  shown.replaceWith(view.main);
  shown.querySelector("form")?.reset(); // whoever comes back to it finds the settings of what it shows
  document.title = view.title;
  const successor = ["k", "metric"].includes(focused) ? view.main.querySelector(`[name="${focused}"]`) : null;
  (successor ?? view.main).focus({ preventScroll: true }); // whoever is changing a setting stays there
  const heading = view.main.querySelector("#matches") ?? view.main.querySelector("h1");
  document.getElementById("status").textContent = heading.textContent; // read out by screen readers
}

function push(view, url) {
  const key = `${Date.now()}-${Math.random()}`; // a reload empties `views`, not the history: keys are never used twice
  history.pushState({ key }, "", url); // before the swap: the browser notes how far the page left behind was scrolled
  keep(key, view);
  display(view);
  scrollTo(0, 0);
}

function showPreview(view) {
  const frame = view.main.querySelector("[data-query]");
  if (!view.preview || !frame) return;
  const picture = new Image(320, 320);
  picture.alt = "The picture you searched with";
  picture.src = view.preview;
  frame.replaceChildren(picture);
}

/** Ask the server for a page; give its <main> and title to the view. Failures become a page as well. */
async function load(view, url, body) {
  try {
    const answer = await fetch(url, { method: body ? "POST" : "GET", body, headers: { "X-Lookalike-Script": "1" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = page.getElementById("main");
    if (!main) throw new TypeError(`no page came from ${url}`);
    view.main = document.adoptNode(main);
    view.title = page.title;
    view.url = answer.url;
  } catch (error) {
    console.error(error);
    view.main = template("unanswered");
    view.title = view.main.querySelector("h1").textContent;
    if (!body) view.main.querySelector("[data-again]").href = url;
  }
  showPreview(view);
}

/** Search with a picture: it is shown at once, its matches when they come. */
async function searchPicture(file, preview = URL.createObjectURL(file)) {
  const form = document.querySelector("#main form");
  const body = new FormData();
  body.set("file", file);
  copySettings(form, (name, value) => body.set(name, value));

  const view = { main: template("searching"), file, preview };
  view.title = view.main.querySelector("h2").textContent;
  copySettings(form, (name, value) => { view.main.querySelector(`[name="${name}"]`).value = value; });
  showPreview(view);
  push(view, "/search");
  await load(view, "/search", body);
  if (currentView() === view) display(view);
}

/** Follow a link or send a form without a picture: what is there stays until the answer has come. */
async function follow(url, body) {
  const view = {};
  const from = document.getElementById("main");
  from.setAttribute("aria-busy", "true");
  following = view;
  await load(view, url, body);
  if (following !== view) return; // another link has been followed since
  from.removeAttribute("aria-busy");
  if (from.isConnected) push(view, view.url ?? url);
}

function copySettings(form, set) {
  for (const name of ["k", "metric"]) {
    const field = form?.elements[name];
    if (field) set(name, field.value);
  }
}

function pictureOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0];
}

document.addEventListener("change", ({ target }) => {
  if (target.name === "file" && target.files[0]) {
    searchPicture(target.files[0]);
    target.value = ""; // choosing the same picture again is a change again
  } else if (["k", "metric"].includes(target.name)) {
    const { file, preview } = currentView();
    const id = target.form.elements.id?.value;
    if (file) searchPicture(file, preview);
    else if (id !== undefined) follow("/search", new FormData(target.form));
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const elsewhere = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey; // a new tab
  if (!link || elsewhere) return;
  const url = new URL(link.href);
  if (link.matches(".skip")) {
    event.preventDefault();
    document.getElementById("main").focus();
    return;
  }
  if (url.origin !== location.origin || !["/", "/search"].includes(url.pathname)) return;
  event.preventDefault();
  const { file, preview } = currentView();
  if ("again" in link.dataset && file) {
    searchPicture(file, preview);
    return;
  }
  if (link.closest(".wall")) {
    copySettings(document.querySelector("#main form"), (name, value) => url.searchParams.set(name, value));
  }
  follow(url.href);
});

document.addEventListener("paste", ({ clipboardData }) => {
  const file = pictureOf(clipboardData);
  if (file) searchPicture(file);
});

for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    const left = name === "drop" || (name === "dragleave" && !event.relatedTarget);
    document.documentElement.classList.toggle("dragging", !left);
    if (name === "drop") {
      const file = pictureOf(event.dataTransfer);
      if (file) searchPicture(file);
    }
  });
}

addEventListener("popstate", async () => {
  const known = currentView();
  if (known) {
    display(known);
    return;
  }
  const view = {};
  const key = history.state?.key ?? `${Date.now()}-${Math.random()}`;
  history.replaceState({ key }, "");
  keep(key, view);
  await load(view, location.href);
  if (currentView() === view) display(view);
});

history.replaceState({ key: `${Date.now()}-${Math.random()}` }, "");
keep(history.state.key, { main: document.getElementById("main"), title: document.title });
