// Shows matches in full size: arrow keys step through them, Esc closes.

import { currentMain, template } from "./history.js";
import { gettext } from "./messages.js";

let dialog;
let at = 0;

const tiles = () => [...currentMain().querySelectorAll(".hits > .tile")];

function show(index) {
  const all = tiles();
  at = (index + all.length) % all.length;
  const tile = all[at];
  const small = tile.querySelector("img");
  const picture = dialog.querySelector("img");
  picture.src = small.currentSrc || small.src; // at once, until the large one is loaded
  picture.alt = small.alt;
  const large = new Image();
  large.src = tile.querySelector("[data-view]").href;
  large.decode().then(() => { if (all[at] === tile) picture.src = large.src; }).catch(() => {});
  const words = [...tile.querySelectorAll(".label, .score")].map(({ textContent }) => textContent.trim().replace(/\s+/g, " "));
  dialog.querySelector("figcaption").textContent = [gettext("%(number)s of %(count)s", { number: at + 1, count: all.length }), ...words].join(" · ");
  dialog.querySelector("[data-like]").href = tile.querySelector("a.frame").href;
}

function open(index) {
  const main = currentMain();
  dialog = template("viewer");
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (main.isConnected) tiles()[at]?.querySelector("[data-view]")?.focus();
  });
  dialog.addEventListener("keydown", ({ key }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (step) show(at + step);
  });
  show(index);
  dialog.showModal();
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
  if (target.closest("dialog [data-close]")) target.closest("dialog").close();
});
