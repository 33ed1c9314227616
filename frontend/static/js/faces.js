// Buttons on the faces of the query picture, if the model compares faces; each searches with its face.

import { gettext } from "./messages.js";
import { searchAgain } from "./search.js";
import { currentMain, searchUrl, send } from "./history.js";
import { place } from "./crop.js";
import { decode, fileToSend } from "./pictures.js";

const withoutFaces = new Set(); // ids of bundles that compare no faces
const withFaces = new Set(); // and of those that do

/** Whether the bundle compares faces: tried with its first match, to send no picture for nothing. */
async function looksForFaces(main) {
  const { bundle } = main.dataset;
  if (withFaces.has(bundle)) return true;
  const first = main.querySelector(".hits [data-id]")?.dataset.id;
  if (withoutFaces.has(bundle) || first === undefined) return false;
  const { status } = await requestFaces({ id: first });
  if (status === 200) withFaces.add(bundle);
  if (status === 204) withoutFaces.add(bundle);
  return status === 200;
}

function requestFaces(fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return send(`${searchUrl}/faces`, body);
}

async function showFaces(view) {
  const { main, file } = view;
  const canvas = main.querySelector("[data-canvas]");
  const id = main.querySelector("form [name=id]")?.value;
  if (!canvas?.querySelector("img") || !(main.dataset.kind === "item" ? id : file)) return;
  if (main.querySelector("form :is([name=like], [name=unlike])")) return; // the API takes no face together with extra pictures
  if (view.faces) {
    draw(view);
    return;
  }
  if (!(await looksForFaces(main))) return;
  const { status, text } = await requestFaces(main.dataset.kind === "item" ? { id } : { file: await fileToSend(file, await decode(view.preview)) });
  if (status !== 200) return;
  view.faces = JSON.parse(text);
  draw(view);
}

function draw({ main, faces }) {
  const canvas = main.querySelector("[data-canvas]");
  canvas.querySelectorAll(".face").forEach((face) => face.remove());
  const selected = main.querySelector("form").elements.face.value;
  for (const box of faces ?? []) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "face";
    button.dataset.face = box.face;
    button.ariaLabel = gettext("Search with face %(number)s of %(count)s", { number: box.face, count: faces.length });
    button.title = button.ariaLabel;
    button.ariaPressed = String(selected === String(box.face));
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
  searchAgain();
});

let shown;
document.addEventListener("shown", ({ detail: view }) => {
  shown = view;
  if (view.main.dataset.bundle) showFaces(view).catch(console.error); // the page works without faces
});
addEventListener("resize", () => {
  if (shown?.faces && shown.main.isConnected) draw(shown);
});
