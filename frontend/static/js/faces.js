// The faces of the picture, where the model compares faces: each is a button on it that searches with this face.

import { ask } from "./search.js";
import { currentMain, send } from "./history.js";
import { place } from "./crop.js";

const faceless = new Set(); // bundles that look for no faces
const facing = new Set(); // and those that do

/** Whether the bundle looks for faces: asked with its first match, so that no picture is sent in vain. */
async function looksForFaces(main) {
  const { bundle } = main.dataset;
  if (facing.has(bundle)) return true;
  const first = main.querySelector(".hits [data-id]")?.dataset.id;
  if (faceless.has(bundle) || first === undefined) return false;
  const { status } = await found({ id: first });
  if (status === 200) facing.add(bundle);
  if (status === 204) faceless.add(bundle);
  return status === 200;
}

function found(fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return send("/search/faces", body);
}

async function look(view) {
  const { main, file } = view;
  const canvas = main.querySelector("[data-canvas]");
  const id = main.querySelector("form [name=id]")?.value;
  if (!canvas?.querySelector("img") || !(main.dataset.kind === "item" ? id : file)) return;
  if (main.querySelector("form :is([name=like], [name=unlike])")) return; // the API takes no face beside further pictures
  if (view.faces) {
    draw(view);
    return;
  }
  if (!(await looksForFaces(main))) return;
  const { status, text } = await found(main.dataset.kind === "item" ? { id } : { file });
  if (status !== 200) return;
  view.faces = JSON.parse(text);
  draw(view);
}

function draw({ main, faces }) {
  const canvas = main.querySelector("[data-canvas]");
  canvas.querySelectorAll(".face").forEach((face) => face.remove());
  const chosen = main.querySelector("form").elements.face.value;
  for (const box of faces ?? []) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "face";
    button.dataset.face = box.face;
    button.ariaLabel = `Search with face ${box.face} of ${faces.length}`;
    button.title = button.ariaLabel;
    button.ariaPressed = String(chosen === String(box.face));
    canvas.append(button);
    place(button, canvas, box);
  }
}

document.addEventListener("click", ({ target }) => {
  const face = target.closest("[data-face]");
  if (!face) return;
  const { elements } = currentMain().querySelector("form.search");
  for (const side of ["left", "top", "width", "height"]) elements[side].value = "";
  elements.face.value = face.dataset.face;
  ask();
});

let shown;
document.addEventListener("shown", ({ detail: view }) => {
  shown = view;
  if (view.main.dataset.bundle) look(view).catch(console.error); // without faces, the page is as good as before
});
addEventListener("resize", () => {
  if (shown?.faces && shown.main.isConnected) draw(shown);
});
