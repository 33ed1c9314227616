// The contact sheet: the query and its matches in one PNG, drawn from the pictures that are on the page.

import { currentMain, say } from "./history.js";
import { decoded } from "./pictures.js";

const [SIDE, GAP, LINE, COLUMNS] = [240, 16, 20, 5]; // pixels, but for the last
const FONT = "system-ui, sans-serif";

const wordsOf = (element) => element?.textContent.trim().replace(/\s+/g, " ") ?? "";

/** A picture and two lines of what is said of it, for each cell. */
function cells() {
  const main = currentMain();
  const query = main.querySelector(".canvas > img");
  const first = query ? [{ url: query.currentSrc || query.src, lines: [wordsOf(main.querySelector(".query h1")), "searched with"] }] : [];
  const matches = [...main.querySelectorAll(".hits > .tile")].map((tile) => ({
    url: `/pictures/thumbnail?${new URLSearchParams({ id: tile.dataset.id, size: 320 })}`,
    lines: [wordsOf(tile.querySelector(".label")), wordsOf(tile.querySelector(".score"))],
  }));
  return [...first, ...matches];
}

async function sheet() {
  const all = cells();
  const rows = Math.ceil(all.length / COLUMNS);
  const canvas = document.createElement("canvas");
  canvas.width = GAP + COLUMNS * (SIDE + GAP);
  canvas.height = GAP + rows * (SIDE + 2 * LINE + GAP) + LINE + GAP;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.textBaseline = "top";
  await Promise.all(all.map(async ({ url, lines }, index) => {
    const [x, y] = [GAP + (index % COLUMNS) * (SIDE + GAP), GAP + Math.floor(index / COLUMNS) * (SIDE + 2 * LINE + GAP)];
    const picture = await decoded(url);
    if (picture) {
      const scale = Math.min(SIDE / picture.naturalWidth, SIDE / picture.naturalHeight);
      const [wide, high] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
      pen.drawImage(picture, x + (SIDE - wide) / 2, y + (SIDE - high) / 2, wide, high);
    }
    lines.forEach((line, row) => write(pen, line, x, y + SIDE + 4 + row * LINE, SIDE, row === 0));
  }));
  write(pen, wordsOf(currentMain().querySelector(".how")), GAP, canvas.height - LINE - GAP / 2, canvas.width - 2 * GAP, false);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
}

/** One line, cut off where it would be too wide. */
function write(pen, words, x, y, width, bold) {
  pen.font = `${bold ? "600 " : ""}14px ${FONT}`;
  pen.fillStyle = bold ? "#1d1c1a" : "#625e58";
  let text = words;
  while (text && pen.measureText(text).width > width) text = `${text.slice(0, -2)}…`;
  pen.fillText(text, x, y);
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-contact-sheet]");
  if (!button || button.disabled) return;
  button.disabled = true;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await sheet());
  link.download = "matches.png";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  button.disabled = false;
  say("The contact sheet is saved.");
});
