// A part of the picture: drawn as a box on it, or typed as numbers; either shows the other.

import { ask, partOf } from "./search.js";
import { currentMain } from "./history.js";

const LEAST = 4; // percent; less is a click
let drawing; // { canvas, area, from } while a box is drawn

/** Where the picture itself is on its canvas, in pixels of the page. */
export function areaOf(canvas) {
  const picture = canvas.querySelector("img");
  const { left, top, width, height } = picture.getBoundingClientRect();
  const scale = Math.min(width / picture.naturalWidth, height / picture.naturalHeight);
  const [wide, high] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
  return { left: left + (width - wide) / 2, top: top + (height - high) / 2, width: wide, height: high };
}

/** Put a box over the picture, where these percents are. */
export function place(box, canvas, part) {
  const area = areaOf(canvas);
  const ground = canvas.getBoundingClientRect();
  box.style.left = `${area.left - ground.left + (part.left / 100) * area.width}px`;
  box.style.top = `${area.top - ground.top + (part.top / 100) * area.height}px`;
  box.style.width = `${(part.width / 100) * area.width}px`;
  box.style.height = `${(part.height / 100) * area.height}px`;
}

function show(canvas, part) {
  canvas.querySelector(".cuts")?.remove();
  if (!part || !canvas.querySelector("img")?.naturalWidth) return;
  const cuts = document.createElement("div");
  const box = document.createElement("div");
  cuts.className = "cuts";
  box.className = "cut";
  cuts.append(box);
  canvas.append(cuts);
  place(box, canvas, part);
}

function fill(form, part) {
  for (const side of ["left", "top", "width", "height"]) form.elements[side].value = part ? part[side] : "";
  form.elements.face.value = "";
}

/** The box from where the pointer went down to where it is, in whole percents. */
function drawn({ clientX, clientY }) {
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
  if (byFinger && !currentMain().querySelector(".part").open) return; // a finger scrolls, until a part is wanted
  event.preventDefault();
  drawing = { canvas, area: areaOf(canvas), from: { x: event.clientX, y: event.clientY } };
  canvas.setPointerCapture(event.pointerId);
});

document.addEventListener("pointermove", (event) => {
  if (drawing) show(drawing.canvas, drawn(event));
});

document.addEventListener("pointerup", (event) => {
  if (!drawing) return;
  const { canvas } = drawing;
  const part = drawn(event);
  drawing = null;
  const form = canvas.closest(".query").querySelector("form");
  if (part.width < LEAST || part.height < LEAST) {
    show(canvas, partOf(form));
    return;
  }
  fill(form, part);
  form.querySelector(".part").open = true;
  ask();
});

document.addEventListener("pointercancel", () => {
  if (drawing) show(drawing.canvas, partOf(drawing.canvas.closest(".query").querySelector("form")));
  drawing = null;
});

document.addEventListener("input", ({ target }) => {
  const canvas = target.closest?.(".sides") && target.closest(".query")?.querySelector("[data-canvas]");
  if (!canvas) return;
  target.form.elements.face.value = "";
  show(canvas, partOf(target.form));
});

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-whole]")) return;
  fill(currentMain().querySelector("form.search"), null);
  ask();
});

async function ready(view) {
  const canvas = view.main.querySelector("[data-canvas]");
  const picture = canvas?.querySelector("img");
  if (!picture || !view.main.querySelector(".part") || view.main.matches("[aria-busy]")) return;
  picture.draggable = false;
  await picture.decode().catch(() => {});
  if (!picture.naturalWidth || !view.main.isConnected) return;
  canvas.classList.add("drawable");
  show(canvas, partOf(view.main.querySelector("form")));
}

document.addEventListener("shown", ({ detail: view }) => ready(view));
document.addEventListener("toggle", ({ target }) => {
  if (target.matches?.("details.part")) redraw();
}, true);
addEventListener("resize", redraw);

function redraw() {
  const canvas = currentMain().querySelector(".canvas.drawable");
  if (canvas) show(canvas, partOf(currentMain().querySelector("form")));
}
