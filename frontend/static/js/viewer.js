// Shows matches in full size, alone or beside the query: zoom and pan, a slider from one to the other, and what can be done
// with a match. Arrow keys step through the matches, Esc closes; "?" lists all keys.

import { currentMain, currentView, say, template } from "./history.js";
import { gettext } from "./messages.js";
import { zoomable } from "./viewer/zoom.js";

const MODES = ["alone", "beside", "wipe"];
const PAN_PIXELS = 80;

let dialog;
let stage;
let controls; // of the zoom
let at = 0;

const tiles = () => [...currentMain().querySelectorAll(".hits > .tile")];
const find = (place) => dialog.querySelector(place);

/** The picture of the query: the visitor's own, or that of the item in full size; undefined where there is none. */
function queryPicture() {
  const canvas = currentMain().querySelector(".query [data-canvas]");
  return currentView()?.preview ?? canvas?.querySelector(".full")?.href ?? canvas?.querySelector("img")?.src;
}

function show(index) {
  const all = tiles();
  at = (index + all.length) % all.length;
  const tile = all[at];
  const small = tile.querySelector("img");
  const picture = find("img.match");
  controls.reset();
  picture.src = small.currentSrc || small.src; // at once, until the large one is loaded
  picture.alt = small.alt;
  const large = new Image();
  large.src = tile.querySelector("[data-view]").href;
  large.decode().then(() => { if (all[at] === tile) picture.src = large.src; }).catch(() => {});
  const words = [...tile.querySelectorAll(".label, .score")].map(({ textContent }) => textContent.trim().replace(/\s+/g, " "));
  find("figcaption").textContent = [gettext("%(number)s of %(count)s", { number: at + 1, count: all.length }), ...words].join(" · ");
  find(".facts").replaceChildren(...[tile.querySelector(".attributes")?.cloneNode(true)].filter(Boolean));
  find("[data-like]").href = tile.querySelector("a.frame").href;
  find("[data-edit]").href = find("[data-edit]").dataset.edit + encodeURIComponent(tile.dataset.id);
  find("[data-download]").href = find("[data-download]").dataset.download + encodeURIComponent(tile.dataset.id);
}

function setMode(mode) {
  dialog.dataset.mode = mode;
  find("img.query-picture")?.remove();
  if (mode !== "alone") {
    const picture = new Image();
    picture.className = "query-picture";
    picture.alt = gettext("The picture you searched with");
    picture.draggable = false;
    picture.src = queryPicture();
    stage.prepend(picture);
  }
  find("[data-share]").hidden = mode !== "wipe";
  for (const button of dialog.querySelectorAll("[data-set-mode]")) button.setAttribute("aria-pressed", button.dataset.setMode === mode);
  controls.reset();
}

function share() {
  const slider = find("[data-share]");
  stage.style.setProperty("--share", `${slider.value}%`);
  slider.setAttribute("aria-valuetext", `${slider.value} %`);
}

async function copyLink() {
  const link = new URL(find("[data-edit]").href).href;
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    const field = document.createElement("input"); // where the page is not served over https
    field.value = link;
    dialog.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  find("figcaption").textContent = gettext("The link is copied.");
  say(gettext("The link is copied."));
}

const KEYS = {
  ArrowLeft: () => (controls.isZoomed() ? controls.pan(PAN_PIXELS, 0) : show(at - 1)),
  ArrowRight: () => (controls.isZoomed() ? controls.pan(-PAN_PIXELS, 0) : show(at + 1)),
  ArrowUp: () => controls.pan(0, PAN_PIXELS),
  ArrowDown: () => controls.pan(0, -PAN_PIXELS),
  "+": () => controls.zoom(1.5),
  "=": () => controls.zoom(1.5),
  "-": () => controls.zoom(1 / 1.5),
  0: () => controls.reset(),
  c: () => { if (!find("[data-set-mode]").parentElement.hidden) setMode(MODES[(MODES.indexOf(dialog.dataset.mode) + 1) % MODES.length]); },
  d: () => find("[data-download]").click(),
  e: () => find("[data-edit]").click(),
  l: copyLink,
  m: () => find("[data-like]").click(),
};

function open(index) {
  const main = currentMain();
  dialog = template("viewer");
  stage = dialog.querySelector(".viewer-stage");
  document.body.append(dialog);
  controls = zoomable(stage);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (main.isConnected) tiles()[at]?.querySelector("[data-view]")?.focus();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input") || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  find("[data-share]").addEventListener("input", share);
  find(".modes").hidden = !queryPicture();
  dialog.showModal();
  setMode("alone");
  show(index);
  share();
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const view = target.closest("[data-view]");
  if (view && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
    event.preventDefault();
    open(tiles().indexOf(view.closest(".tile")));
  }
  const step = target.closest(".viewer [data-step]");
  if (step) show(at + Number(step.dataset.step));
  const zoom = target.closest(".viewer [data-zoom]");
  if (zoom) controls.zoom(Number(zoom.dataset.zoom));
  if (target.closest(".viewer [data-unzoom]")) controls.reset();
  const mode = target.closest(".viewer [data-set-mode]");
  if (mode) setMode(mode.dataset.setMode);
  if (target.closest(".viewer [data-copy]")) copyLink();
  if (target.closest("dialog [data-close]")) target.closest("dialog").close();
});
