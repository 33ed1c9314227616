// Crop of the query picture: drawn as a box or typed as numbers; both stay in step.

import { searchAgain, cropOf } from "./search.js";
import { currentMain } from "./history.js";

const MIN_PERCENT = 4; // smaller is a click
let drawing; // { canvas, area, from } while a box is being drawn

/** Position and size of the picture on its canvas, in page pixels. */
export function areaOf(canvas) {
  const picture = canvas.querySelector("img");
  const { left, top, width, height } = picture.getBoundingClientRect();
  const scale = Math.min(width / picture.naturalWidth, height / picture.naturalHeight);
  const [wide, high] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
  return { left: left + (width - wide) / 2, top: top + (height - high) / 2, width: wide, height: high };
}

/** Place a box over the picture, given in percent. */
export function place(box, canvas, part) {
  const area = areaOf(canvas);
  const ground = canvas.getBoundingClientRect();
  box.style.left = `${area.left - ground.left + (part.left / 100) * area.width}px`;
  box.style.top = `${area.top - ground.top + (part.top / 100) * area.height}px`;
  box.style.width = `${(part.width / 100) * area.width}px`;
  box.style.height = `${(part.height / 100) * area.height}px`;
}

function show(canvas, part) {
  canvas.querySelector(".crop-overlay")?.remove();
  if (!part || !canvas.querySelector("img")?.naturalWidth) return;
  const overlay = document.createElement("div");
  const box = document.createElement("div");
  overlay.className = "crop-overlay";
  box.className = "crop-box";
  overlay.append(box);
  canvas.append(overlay);
  place(box, canvas, part);
}

function fill(form, part) {
  for (const side of ["left", "top", "width", "height"]) form.elements[side].value = part ? part[side] : "";
  form.elements.face.value = "";
}

/** The box from the start of the drag to the pointer, in whole percent. */
function boxFromPointer({ clientX, clientY }) {
  const { area, from } = drawing;
  const at = (x, start, length) => Math.round(100 * Math.min(1, Math.max(0, (x - start) / length)));
  const [x0, x1] = [from.x, clientX].map((x) => at(x, area.left, area.width)).sort((a, b) => a - b);
  const [y0, y1] = [from.y, clientY].map((y) => at(y, area.top, area.height)).sort((a, b) => a - b);
  return { left: x0, top: y0, width: x1 - x0, height: y1 - y0 };
}

document.addEventListener("pointerdown", (event) => {
  const canvas = event.target.closest?.(".canvas.drawable");
  if (!canvas || event.button || event.target.closest("a, button")) return;
  const byFinger = event.pointerType === "touch";
  if (byFinger && !currentMain().querySelector(".crop").open) return; // touch scrolls unless the crop section is open
  event.preventDefault();
  drawing = { canvas, area: areaOf(canvas), from: { x: event.clientX, y: event.clientY } };
  canvas.setPointerCapture(event.pointerId);
});

document.addEventListener("pointermove", (event) => {
  if (drawing) show(drawing.canvas, boxFromPointer(event));
});

document.addEventListener("pointerup", (event) => {
  if (!drawing) return;
  const { canvas } = drawing;
  const part = boxFromPointer(event);
  drawing = null;
  const form = canvas.closest(".query").querySelector("form");
  if (part.width < MIN_PERCENT || part.height < MIN_PERCENT) {
    show(canvas, cropOf(form));
    return;
  }
  fill(form, part);
  form.querySelector(".crop").open = true;
  searchAgain();
});

document.addEventListener("pointercancel", () => {
  if (drawing) show(drawing.canvas, cropOf(drawing.canvas.closest(".query").querySelector("form")));
  drawing = null;
});

document.addEventListener("input", ({ target }) => {
  const canvas = target.closest?.(".crop-fields") && target.closest(".query")?.querySelector("[data-canvas]");
  if (!canvas) return;
  target.form.elements.face.value = "";
  show(canvas, cropOf(target.form));
});

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-whole]")) return;
  fill(currentMain().querySelector("form.search"), null);
  searchAgain();
});

async function ready(view) {
  const canvas = view.main.querySelector("[data-canvas]");
  const picture = canvas?.querySelector("img");
  if (!picture || !view.main.querySelector(".crop") || view.main.matches("[aria-busy]")) return;
  picture.draggable = false;
  await picture.decode().catch(() => {});
  if (!picture.naturalWidth || !view.main.isConnected) return;
  canvas.classList.add("drawable");
  show(canvas, cropOf(view.main.querySelector("form")));
}

document.addEventListener("shown", ({ detail: view }) => ready(view));
document.addEventListener("toggle", ({ target }) => {
  if (target.matches?.("details.crop")) redraw();
}, true);
addEventListener("resize", redraw);

function redraw() {
  const canvas = currentMain().querySelector(".canvas.drawable");
  if (canvas) show(canvas, cropOf(currentMain().querySelector("form")));
}
