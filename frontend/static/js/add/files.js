// Selected or dropped files, with their paths relative to the selected folder, and why some of them are skipped.

import { gettext } from "../messages.js";

const OF_THE_SYSTEM = /(^|\/)(\.|Thumbs\.db$|desktop\.ini$)/i; // files that operating systems create
const form = document.querySelector("form.add-form");
const limit = Number(form.dataset.limit);
const accepted = form.querySelector("[accept]").accept.split(",");

export function filesFromInput(field) {
  return [...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Reads folders recursively; what cannot be read has no `file`. */
export async function filesFromDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // must be read before the first await
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return files;
}

async function walk(entry, files) {
  const path = entry.fullPath.slice(1);
  if (entry.isFile) {
    files.push({ file: await new Promise((resolve) => { entry.file(resolve, () => resolve(null)); }), path });
    return;
  }
  const reader = entry.createReader();
  for (;;) { // readEntries returns a part of the entries at a time
    const some = await new Promise((resolve) => { reader.readEntries(resolve, () => resolve(null)); });
    if (!some) files.push({ file: null, path });
    if (!some?.length) return;
    for (const each of some) await walk(each, files);
  }
}

/** Why a file is not sent at all; undefined for one that may be a picture. `selected`: keys of the files selected so far. */
export function reasonToSkip({ file, path }, selected) {
  if (!file) return gettext("cannot be read");
  if (OF_THE_SYSTEM.test(path)) return gettext("made by the operating system, not a picture");
  if (!accepted.includes(file.type) && !accepted.some((ending) => ending.startsWith(".") && path.toLowerCase().endsWith(ending))) return gettext("not a picture in a known format");
  if (!file.size) return gettext("empty");
  if (file.size > limit) return gettext("larger than %(size)s", { size: form.dataset.limitWords });
  return selected.has(keyOf({ file, path })) ? gettext("selected already") : undefined;
}

/** The same for the same file of the same folder. */
export const keyOf = ({ file, path }) => `${path} ${file.size} ${file.lastModified}`;
