// Search with a picture or link that is dropped or pasted anywhere.

import { currentMain, say, searchUrl } from "./history.js";
import { gettext } from "./messages.js";
import { follow, searchPicture } from "./search.js";

const filesOf = (transfer) => [...(transfer?.files ?? [])];

function pictureOf(transfer) {
  const files = filesOf(transfer);
  return files.find((file) => file.type.startsWith("image/")) ?? files[0];
}

/** The URL in dropped or pasted data, if it is one line. */
function addressOf(transfer) {
  const text = (transfer?.getData("text/uri-list") || transfer?.getData("text/plain") || "").trim();
  return /^https?:\/\/\S+$/i.test(text) ? text : null;
}

/** Call once the matches are there, and not the page that waits for them. */
function whenFound(act) {
  const listener = ({ detail: { main } }) => {
    if (main.matches("[aria-busy]")) return;
    document.removeEventListener("shown", listener);
    act();
  };
  document.addEventListener("shown", listener);
}

/** A search has one picture: say which of several it is. */
function tellOfFirst(file, count) {
  const note = document.createElement("p");
  note.className = "how";
  const name = file.name || gettext("the first picture");
  note.textContent = gettext("Of %(count)s files, %(name)s is searched with. Search with the others one by one, or add them to the catalogue.", { count, name });
  currentMain().querySelector(".about")?.append(note);
  say(note.textContent);
}

function searchWith(transfer) {
  const file = pictureOf(transfer);
  const count = filesOf(transfer).length;
  if (count > 1) whenFound(() => { tellOfFirst(file, count); });
  const address = addressOf(transfer);
  if (file) searchPicture(file);
  else if (address) follow(`${searchUrl}?${new URLSearchParams({ url: address })}`);
  return Boolean(file || address);
}

document.addEventListener("paste", (event) => {
  const typing = event.target.closest?.("input, textarea");
  if (typing && !pictureOf(event.clipboardData)) return; // pasted text belongs into the field
  if (searchWith(event.clipboardData)) event.preventDefault();
});

for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const { types } = event.dataTransfer;
    if (!types.includes("Files") && !types.includes("text/uri-list")) return;
    event.preventDefault();
    const left = name === "drop" || (name === "dragleave" && !event.relatedTarget);
    document.documentElement.classList.toggle("dragging", !left);
    if (name === "drop") searchWith(event.dataTransfer);
  });
}
