// The contact sheet: the query and its matches in one PNG, drawn from the pictures on the page.

import { currentMain, say } from "./history.js";
import { gettext } from "./messages.js";
import { decode } from "./pictures.js";

const [SIDE, GAP, LINE, COLUMNS] = [240, 16, 20, 5]; // in pixels, except the last
const FONT = "system-ui, sans-serif";

const wordsOf = (element) => element?.textContent.trim().replace(/\s+/g, " ") ?? "";

/** For each cell: a picture and two lines of text. */
function cells() {
  const main = currentMain();
  const query = main.querySelector(".canvas > img");
  const first = query ? [{ url: query.currentSrc || query.src, lines: [wordsOf(main.querySelector(".query h1")), gettext("searched with")] }] : [];
  const matches = [...main.querySelectorAll(".hits > .tile")].map((tile) => ({
    url: `${document.documentElement.dataset.root}pictures/thumbnail?${new URLSearchParams({ id: tile.dataset.id, size: 320 })}`,
    lines: [wordsOf(tile.querySelector(".label")), wordsOf(tile.querySelector(".score"))],
  }));
  return [...first, ...matches];
}

/** How the matches were found. */
function footer() {
  return wordsOf(currentMain().querySelector(".matches .facts p"));
}

async function drawSheet() {
  const all = cells();
  const rows = Math.ceil(all.length / COLUMNS);
  const canvas = document.createElement("canvas");
  canvas.width = GAP + COLUMNS * (SIDE + GAP);
  canvas.height = GAP + rows * (SIDE + 2 * LINE + GAP) + LINE + GAP;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.textBaseline = "top";
  await Promise.all(all.map(async ({ url, lines }, index) => {
    const [x, y] = [GAP + (index % COLUMNS) * (SIDE + GAP), GAP + Math.floor(index / COLUMNS) * (SIDE + 2 * LINE + GAP)];
    const picture = await decode(url);
    if (picture) {
      const scale = Math.min(SIDE / picture.naturalWidth, SIDE / picture.naturalHeight);
      const [wide, high] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
      context.drawImage(picture, x + (SIDE - wide) / 2, y + (SIDE - high) / 2, wide, high);
    }
    lines.forEach((line, row) => write(context, line, x, y + SIDE + 4 + row * LINE, SIDE, row === 0));
  }));
  write(context, footer(), GAP, canvas.height - LINE - GAP / 2, canvas.width - 2 * GAP, false);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
}

/** One line of text, shortened to the width. */
function write(context, words, x, y, width, bold) {
  context.font = `${bold ? "600 " : ""}14px ${FONT}`;
  context.fillStyle = bold ? "#1d1c1a" : "#625e58";
  let text = words;
  while (text && context.measureText(text).width > width) text = `${text.slice(0, -2)}…`;
  context.fillText(text, x, y);
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-contact-sheet]");
  if (!button || button.disabled) return;
  button.disabled = true;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await drawSheet());
  link.download = "matches.png";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  button.disabled = false;
  say(gettext("The contact sheet is saved."));
});
