// Selected or dropped files, with their paths relative to the selected folder.

const HIDDEN = /(^|\/)(\.|Thumbs\.db$|desktop\.ini$)/i; // files that operating systems create

const isWanted = ({ path }) => !HIDDEN.test(path);

export function filesFromInput(field) {
  return [...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(isWanted);
}

/** Reads folders recursively; skips what cannot be read. */
export async function filesFromDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // must be read before the first await
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return files.filter(isWanted);
}

async function walk(entry, files) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => { entry.file(resolve, () => resolve(null)); });
    if (file) files.push({ file, path: entry.fullPath.slice(1) });
    return;
  }
  const reader = entry.createReader();
  for (;;) { // readEntries returns a part of the entries at a time
    const some = await new Promise((resolve) => { reader.readEntries(resolve, () => resolve([])); });
    if (!some.length) return;
    for (const each of some) await walk(each, files);
  }
}
