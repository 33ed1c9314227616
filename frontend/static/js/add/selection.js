// What is selected before it is sent: thumbnails, counts, what is skipped and why, and the labels of folders.

import { gettext, localNumber, ngettext } from "../messages.js";
import { element } from "./elements.js";
import { keyOf, reasonToSkip } from "./files.js";

const [MAX_PREVIEWS, MAX_FOLDERS] = [24, 5];
const box = document.querySelector(".selection");
const find = (place) => box.querySelector(place);
const byFolder = document.querySelector("[name=by_folder]");
const folderWords = document.querySelector("[data-folders]");

let pictures = []; // { file, path }
let skipped = []; // { path, reason }
let byFolderIsDecided = false; // by the person, who has ticked or unticked the box

/** Add files to the selection; returns how many pictures are selected. */
export function addToSelection(files) {
  const keys = new Set(pictures.map(keyOf));
  for (const each of files) {
    const reason = reasonToSkip(each, keys);
    if (reason) {
      skipped.push({ path: each.path, reason });
    } else {
      keys.add(keyOf(each));
      pictures.push(each);
    }
  }
  show();
  if (files.length) document.getElementById("status").textContent = heading();
  return pictures.length;
}

/** Empty the selection; returns the pictures that were in it, and what was skipped. */
export function takeSelection() {
  const taken = { pictures, skipped };
  [pictures, skipped] = [[], []];
  show();
  return taken;
}

const heading = () => ngettext("%(num)s picture", "%(num)s pictures", pictures.length) + (skipped.length ? gettext(", %(count)s skipped", { count: skipped.length }) : "");

function show() {
  box.hidden = !pictures.length && !skipped.length;
  find("h2").textContent = heading();
  showPreviews();
  showSkipped();
  showFolders();
}

function showPreviews() {
  const list = find(".previews");
  for (const picture of list.querySelectorAll("img")) URL.revokeObjectURL(picture.src);
  list.replaceChildren(...pictures.slice(0, MAX_PREVIEWS).map(preview));
  const left = pictures.length - MAX_PREVIEWS;
  find("[data-more]").hidden = left <= 0;
  find("[data-more]").textContent = gettext("and %(count)s more", { count: left });
}

/** A thumbnail; for a format that this browser does not show, its ending. */
function preview({ file, path }) {
  const picture = element("img", { alt: path, title: path, width: 80, height: 80, loading: "lazy", decoding: "async" });
  picture.addEventListener("error", () => {
    picture.replaceWith(element("span", { title: path }, element("span", { className: "visually-hidden", textContent: path }), path.split(".").pop().slice(0, 5)));
  });
  picture.src = URL.createObjectURL(file);
  return element("li", {}, picture);
}

function showSkipped() {
  find("[data-skipped]").hidden = !skipped.length;
  const counts = new Map();
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  find("summary").textContent = gettext("Skipped: %(reasons)s", { reasons: [...counts].map(([reason, count]) => `${localNumber(count)} ${reason}`).join("; ") });
  find(".skipped").replaceChildren(...skipped.map(({ path, reason }) => element("li", {}, element("strong", { textContent: path }), reason)));
}

/** Tick "label by folder" where there are folders, and say which labels they give. */
function showFolders() {
  const counts = new Map();
  for (const { path } of pictures) {
    const folder = path.split("/").at(-2);
    if (folder) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  if (!byFolderIsDecided) byFolder.checked = counts.size > 0;
  const names = [...counts].slice(0, MAX_FOLDERS).map(([folder, count]) => `${folder} (${localNumber(count)})`);
  if (counts.size > MAX_FOLDERS) names.push(gettext("and %(count)s more", { count: counts.size - MAX_FOLDERS }));
  folderWords.hidden = !counts.size;
  folderWords.textContent = ngettext("%(num)s folder: %(names)s", "%(num)s folders: %(names)s", counts.size, { names: names.join(", ") });
}

byFolder.addEventListener("change", () => { byFolderIsDecided = true; });
