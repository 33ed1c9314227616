// The files that were chosen or dropped, with their paths below the folder that was.

const HIDDEN = /(^|\/)(\.|Thumbs\.db$|desktop\.ini$)/i; // what systems put into folders by themselves

const isWanted = ({ path }) => !HIDDEN.test(path);

export function chosenFrom(field) {
  return [...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(isWanted);
}

/** Folders are walked into; what cannot be read is left out. */
export async function droppedFrom(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // before anything is awaited
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found.filter(isWanted);
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => { entry.file(resolve, () => resolve(null)); });
    if (file) found.push({ file, path: entry.fullPath.slice(1) });
    return;
  }
  const reader = entry.createReader();
  for (;;) { // it gives some at a time
    const some = await new Promise((resolve) => { reader.readEntries(resolve, () => resolve([])); });
    if (!some.length) return;
    for (const each of some) await walk(each, found);
  }
}
