// Searching with a picture, a link or a form. A picture is shown at once, its matches when they arrive.

import { currentMain, currentView, display, load, push, say, searchUrl, template, updateState } from "./history.js";
import { gettext } from "./messages.js";
import { cropToFile, decode, fileToSend, shapeOf, thumbnailOf } from "./pictures.js";

const SIDES = ["left", "top", "width", "height"];
const OTHER_WAYS = new Set(["address", "text"]); // to search than with the picture
const QUERY_FIELDS = new Set(["id", "url", "cursor", "sha256", "like", "unlike", "face", ...SIDES]); // all other fields are settings

let pendingView; // the view that is being loaded

/** The fields of a form that are not empty. */
export function fieldsOf(form) {
  return form ? [...new FormData(form)].filter(([, value]) => typeof value === "string" && value !== "") : [];
}

/** The query parameters of the matches that are shown. */
export function queryOf(main) {
  return new URL(main.dataset.link ?? searchUrl, location.href).searchParams;
}

const mainForm = () => currentMain().querySelector("form.search");

/** The crop entered in the form, in percent; null for the whole picture. */
export function cropOf(form) {
  const [left, top, width, height] = SIDES.map((side) => form?.elements[side]?.value ?? "");
  if (!left && !top && !width && !height) return null;
  return { left: Number(left), top: Number(top), width: Number(width || 100 - left), height: Number(height || 100 - top) };
}

/** Search with a picture: a new picture uses the settings only, the shown one (`again`) all fields of the form. */
export async function searchPicture(file, { again = false } = {}) {
  const form = mainForm();
  const known = again ? currentView() : null;
  const view = { main: template("searching"), file, preview: known?.preview ?? URL.createObjectURL(file), title: gettext("Searching…") };
  let picture = await decode(view.preview);
  let fields = fieldsOf(form).filter(([name]) => !OTHER_WAYS.has(name) && (again ? !["id", "url", "cursor", "sha256"].includes(name) : !QUERY_FIELDS.has(name)));
  let copy = known?.picture;
  let upload = await fileToSend(file, picture, again ? cropOf(form) : null);
  if (picture && fields.some(([name]) => name === "like" || name === "unlike")) {
    const part = cropOf(form);
    upload = await cropToFile(picture, part ?? undefined);
    if (part) { // the API takes no crop together with extra pictures, so send the cropped picture
      view.file = upload;
      view.preview = URL.createObjectURL(upload);
      picture = await decode(view.preview);
      fields = fields.filter(([name]) => !SIDES.includes(name));
      copy = undefined;
    }
  }
  if (picture) {
    view.shape = shapeOf(picture.naturalWidth, picture.naturalHeight);
    view.picture = copy ?? thumbnailOf(picture);
  }
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  body.set("file", upload, "picture");
  copySettings(form, view.main.querySelector("form"));
  push(view, searchUrl);
  await load(view, searchUrl, body, progress(view.main.querySelector("progress")));
  updateState(view, view.main.dataset.link ?? searchUrl);
  if (currentView() === view) display(view);
}

function progress(bar) {
  return (loaded, total) => {
    bar.max = total;
    bar.value = loaded;
    if (loaded < total) return;
    bar.removeAttribute("value");
    bar.closest("label").firstChild.data = `${gettext("Comparing it with the catalogue")} `;
  };
}

/** Copy the selected settings from one form to another. */
function copySettings(from, to) {
  for (const field of to.elements) {
    const other = from?.elements[field.name];
    if (field.tagName === "SELECT" && other) field.value = other.value;
  }
}

/** Follow a link or send a form without a picture; the shown page stays until the answer arrives. */
export async function follow(url, body, { same = false } = {}) {
  const from = currentMain();
  const { file, preview, picture, shape } = currentView();
  const view = same ? { file, preview, picture, shape } : {};
  from.setAttribute("aria-busy", "true");
  say(gettext("Searching…"));
  pendingView = view;
  await load(view, url, body);
  if (pendingView !== view) return; // the user has followed another link since
  from.removeAttribute("aria-busy");
  if (from.isConnected) push(view, view.url ?? url);
}

/** Search again with the fields of the form on this page. */
export function searchAgain() {
  const view = currentView();
  const form = mainForm();
  const names = new Set(fieldsOf(form).map(([name]) => name));
  if (view.file && view.main.dataset.kind !== "item" && changesPicture(form)) searchPicture(view.file, { again: true });
  else if (view.main.dataset.kind === "words" && names.has("text")) follow(searchUrl, withoutFile(form));
  else if (["id", "url", "cursor"].some((name) => names.has(name))) follow(searchUrl, withoutFile(form), { same: true });
  else if (view.file) searchPicture(view.file, { again: true });
}

/** Whether crop, face or extra pictures in the form differ from those of the shown matches. */
function changesPicture(form) {
  const shown = queryOf(currentMain());
  const said = new FormData(form);
  return [...SIDES, "face", "like", "unlike"].some(
    (name) => said.getAll(name).filter(Boolean).join("\n") !== shown.getAll(name).join("\n"),
  );
}

/** Without words that are typed beside a picture and not searched with yet. */
function withoutFile(form, { words = currentMain().dataset.kind === "words" } = {}) {
  const body = new FormData(form);
  body.delete("file");
  if (!words) body.delete("text");
  return body;
}

/** Search with the address or the words in a field. */
function followWay(form, field) {
  const body = withoutFile(form, { words: field.name === "text" });
  if (field.name === "text") body.delete("address");
  field.blur(); // reading goes on with the matches
  follow(searchUrl, body);
}

document.addEventListener("input", ({ target }) => {
  if (OTHER_WAYS.has(target.name)) target.setCustomValidity("");
  if (target.name !== "sure") return;
  const words = target.value === "0" ? gettext("all") : gettext("%(number)s %% or more", { number: target.value });
  target.nextElementSibling.textContent = words;
  target.setAttribute("aria-valuetext", words);
});

document.addEventListener("change", ({ target }) => {
  if (!target.form?.matches("form.search")) return;
  if (target.name === "file") {
    if (target.files[0]) searchPicture(target.files[0]);
    target.value = ""; // so that selecting the same file again fires a change event
  } else if (!OTHER_WAYS.has(target.name) && !SIDES.includes(target.name)) searchAgain();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form.search")) return;
  event.preventDefault();
  // With Enter, the first button of the form is the submitter, whichever field one is in; some browsers focus no button.
  const origin = form.contains(document.activeElement) ? document.activeElement : event.submitter;
  const way = origin?.closest(".address")?.querySelector("input");
  if (!way) searchAgain();
  else if (way.value.trim()) followWay(form, way);
  else {
    way.setCustomValidity(way.name === "text" ? gettext("Type a word.") : gettext("Type or paste the address of a picture."));
    way.reportValidity();
  }
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
  const ours = url.origin === location.origin && [document.documentElement.dataset.root, searchUrl].includes(url.pathname);
  if (!ours || "loadMore" in link.dataset) return; // matches.js appends further matches
  event.preventDefault();
  const { file } = currentView();
  if ("again" in link.dataset && file) {
    searchPicture(file, { again: true });
    return;
  }
  if (currentMain().matches(".start") && link.closest(".wall")) {
    for (const [name, value] of fieldsOf(mainForm())) if (!OTHER_WAYS.has(name)) url.searchParams.append(name, value);
  }
  follow(url.href, undefined, { same: "same" in link.dataset });
});
