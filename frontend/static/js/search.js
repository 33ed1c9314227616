// Asking: with a picture, which is shown at once and its matches when they come; or by a link or form without one.

import { currentMain, currentView, display, load, note, push, say, template } from "./history.js";
import { cut, decoded, shapeOf, smallCopy } from "./pictures.js";

const SIDES = ["left", "top", "width", "height"];
const OF_THE_QUERY = new Set(["id", "url", "cursor", "like", "unlike", "face", ...SIDES]); // the rest are settings

let following; // the view that is on its way

/** What a form says, without what is empty. */
export function fieldsOf(form) {
  return form ? [...new FormData(form)].filter(([, value]) => typeof value === "string" && value !== "") : [];
}

/** What a page of matches answers, by its link. */
export function askedBy(main) {
  return new URL(main.dataset.link ?? "/search", location.href).searchParams;
}

const mainForm = () => currentMain().querySelector("form.search");

/** The part that the form names, in percent; null for all of the picture. */
export function partOf(form) {
  const [left, top, width, height] = SIDES.map((side) => form?.elements[side]?.value ?? "");
  if (!left && !top && !width && !height) return null;
  return { left: Number(left), top: Number(top), width: Number(width || 100 - left), height: Number(height || 100 - top) };
}

/** Search with a picture: a new one by the settings alone, the one shown (`again`) by all that the form says. */
export async function searchPicture(file, { again = false } = {}) {
  const form = mainForm();
  const known = again ? currentView() : null;
  const view = { main: template("searching"), file, preview: known?.preview ?? URL.createObjectURL(file), title: "Searching…" };
  let picture = await decoded(view.preview);
  let fields = fieldsOf(form).filter(([name]) => name !== "address" && (again ? !["id", "url", "cursor"].includes(name) : !OF_THE_QUERY.has(name)));
  let copy = known?.picture;
  let sent = file;
  if (picture && fields.some(([name]) => name === "like" || name === "unlike")) {
    const part = partOf(form);
    sent = await cut(picture, part ?? undefined);
    if (part) { // the API takes no part of it beside further pictures: from here on, the part is the picture
      view.file = sent;
      view.preview = URL.createObjectURL(sent);
      picture = await decoded(view.preview);
      fields = fields.filter(([name]) => !SIDES.includes(name));
      copy = undefined;
    }
  }
  if (picture) {
    view.shape = shapeOf(picture.naturalWidth, picture.naturalHeight);
    view.picture = copy ?? smallCopy(picture);
  }
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  body.set("file", sent, "picture");
  carry(form, view.main.querySelector("form"));
  push(view, "/search");
  await load(view, "/search", body, progress(view.main.querySelector("progress")));
  note(view, view.main.dataset.link ?? "/search");
  if (currentView() === view) display(view);
}

function progress(bar) {
  return (loaded, total) => {
    bar.max = total;
    bar.value = loaded;
    if (loaded < total) return;
    bar.removeAttribute("value");
    bar.closest("label").firstChild.data = "Comparing it with the catalogue ";
  };
}

/** Show in one form what another one says. */
function carry(from, to) {
  for (const field of to.elements) {
    const other = from?.elements[field.name];
    if (field.tagName === "SELECT" && other) field.value = other.value;
  }
}

/** Follow a link or send a form without a picture: what is there stays until the answer has come. */
export async function follow(url, body, { same = false } = {}) {
  const from = currentMain();
  const { file, preview, picture, shape } = currentView();
  const view = same ? { file, preview, picture, shape } : {};
  from.setAttribute("aria-busy", "true");
  say("Searching…");
  following = view;
  await load(view, url, body);
  if (following !== view) return; // another link has been followed since
  from.removeAttribute("aria-busy");
  if (from.isConnected) push(view, view.url ?? url);
}

/** Search again by what the form of this page says. */
export function ask() {
  const view = currentView();
  const form = mainForm();
  const names = new Set(fieldsOf(form).map(([name]) => name));
  if (view.file && view.main.dataset.kind !== "item" && changesThePicture(form)) searchPicture(view.file, { again: true });
  else if (["id", "url", "cursor"].some((name) => names.has(name))) follow("/search", withoutFile(form), { same: true });
  else if (view.file) searchPicture(view.file, { again: true });
}

/** Whether the form names another part, another face or other further pictures than those of the page. */
function changesThePicture(form) {
  const shown = askedBy(currentMain());
  const said = new FormData(form);
  return [...SIDES, "face", "like", "unlike"].some(
    (name) => said.getAll(name).filter(Boolean).join("\n") !== shown.getAll(name).join("\n"),
  );
}

function withoutFile(form) {
  const body = new FormData(form);
  body.delete("file");
  return body;
}

document.addEventListener("input", ({ target }) => {
  if (target.name === "address") target.setCustomValidity("");
  if (target.name !== "sure") return;
  target.nextElementSibling.textContent = target.value === "0" ? "all" : `${target.value} % or more`;
});

document.addEventListener("change", ({ target }) => {
  if (!target.form?.matches("form.search")) return;
  if (target.name === "file") {
    if (target.files[0]) searchPicture(target.files[0]);
    target.value = ""; // choosing the same picture again is a change again
  } else if (target.name !== "address" && !SIDES.includes(target.name)) ask();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form.search")) return;
  event.preventDefault();
  const { address } = form.elements;
  if (address?.value.trim()) follow("/search", withoutFile(form));
  else if (event.submitter?.closest(".address")) {
    address.setCustomValidity("Type or paste the address of a picture.");
    address.reportValidity();
  } else ask();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const elsewhere = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey; // a new tab
  if (!link || elsewhere || event.defaultPrevented) return;
  if (link.matches(".skip")) {
    event.preventDefault();
    currentMain().focus();
    return;
  }
  const url = new URL(link.href);
  const ours = url.origin === location.origin && ["/", "/search"].includes(url.pathname);
  if (!ours || "further" in link.dataset) return; // matches.js puts further matches below these
  event.preventDefault();
  const { file } = currentView();
  if ("again" in link.dataset && file) {
    searchPicture(file, { again: true });
    return;
  }
  if (currentMain().matches(".start") && link.closest(".wall")) {
    for (const [name, value] of fieldsOf(mainForm())) url.searchParams.append(name, value);
  }
  follow(url.href, undefined, { same: "same" in link.dataset });
});
