// Ways in: drop a picture or a link anywhere, or paste one.

import { follow, searchPicture } from "./search.js";

function pictureOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0];
}

/** The address of a picture in what was dropped or pasted: one line that begins like one. */
function addressOf(transfer) {
  const text = (transfer?.getData("text/uri-list") || transfer?.getData("text/plain") || "").trim();
  return /^https?:\/\/\S+$/i.test(text) ? text : null;
}

function take(transfer) {
  const file = pictureOf(transfer);
  const address = addressOf(transfer);
  if (file) searchPicture(file);
  else if (address) follow(`/search?${new URLSearchParams({ url: address })}`);
  return Boolean(file || address);
}

document.addEventListener("paste", (event) => {
  const typing = event.target.closest?.("input, textarea");
  if (typing && !pictureOf(event.clipboardData)) return; // a text that is pasted into a field belongs there
  if (take(event.clipboardData)) event.preventDefault();
});

for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const { types } = event.dataTransfer;
    if (!types.includes("Files") && !types.includes("text/uri-list")) return;
    event.preventDefault();
    const left = name === "drop" || (name === "dragleave" && !event.relatedTarget);
    document.documentElement.classList.toggle("dragging", !left);
    if (name === "drop") take(event.dataTransfer);
  });
}
