// Two copies over each other: a slider wipes from one to the other, or fades; or both side by side.

import { gettext } from "./messages.js";

const MODES = { wipe: gettext("Slider"), fade: gettext("Overlay"), beside: gettext("Side by side") };

function picture(url, alt, ...classes) {
  const image = new Image();
  image.src = url;
  image.alt = alt;
  image.classList.add(...classes);
  return image;
}

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = words;
  made.addEventListener("click", () => act(made));
  return made;
}

function open({ dataset }) {
  const dialog = document.createElement("dialog");
  const stage = document.createElement("div");
  const bar = document.createElement("p");
  const slider = document.createElement("input");
  dialog.className = "compare-copies";
  dialog.setAttribute("aria-label", gettext("Two copies compared"));
  stage.className = "stage";
  bar.className = "decision";
  stage.append(picture(dataset.compare, gettext("The one to keep")), picture(dataset.with, gettext("The other copy"), "over"));
  Object.assign(slider, { type: "range", min: 0, max: 100, value: 50 });
  slider.setAttribute("aria-label", gettext("How much of the other copy is shown"));
  const share = () => {
    stage.style.setProperty("--share", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", gettext("%(number)s %%", { number: slider.value }));
  };
  slider.addEventListener("input", share);
  const modes = Object.entries(MODES).map(([mode, words]) => button(words, (pressed) => {
    dialog.dataset.mode = mode;
    slider.hidden = mode === "beside";
    for (const each of modes) each.setAttribute("aria-pressed", each === pressed);
  }));
  const flip = button(gettext("Mirror the other copy"), () => flip.setAttribute("aria-pressed", stage.classList.toggle("unmirrored")));
  bar.append(...modes, ...("mirrored" in dataset ? [flip] : []), button(gettext("Close"), () => dialog.close()));
  dialog.append(stage, slider, bar);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  modes[0].click();
  share();
  dialog.showModal();
}

document.addEventListener("click", ({ target }) => {
  const asked = target.closest("[data-compare]");
  if (asked) open(asked);
});
