// What can be done with the pictures that were added: look at them, or move them to the bin again.

import { MANY, confirmed } from "../confirm.js";
import { reasonOf } from "../error_page.js";
import { gettext, ngettext } from "../messages.js";
import { forgetAdded } from "./progress.js";

const AT_ONCE = 500; // the page takes no more ids in one form
const box = document.querySelector("[data-afterwards]");
const find = (place) => box.querySelector(place);
const notice = document.querySelector("[data-undone]");

let added = []; // { id, page }

export function remember({ id, page }) {
  added.push({ id, page });
}

/** Show it unless pictures are still being added. */
export function showAfterwards(isRunning) {
  box.hidden = isRunning || !added.length;
  find("[data-see]").textContent = ngettext("See this picture", "See these %(num)s pictures", added.length);
  find("[data-undo]").textContent = ngettext("Undo: move this picture to the bin", "Undo: move these %(num)s pictures to the bin", added.length);
  if (isRunning) notice.hidden = true;
}

/** Move all that were added to the bin, after a question where they are many. `moved` is called with the number of each part. */
async function undo(moved) {
  const question = {
    heading: ngettext("Move this picture to the bin?", "Move these %(num)s pictures to the bin?", added.length),
    text: gettext("Searches will not find them any more. They wait in the bin for some days."),
    action: gettext("Move them to the bin"),
    keep: gettext("Keep them"),
  };
  if (added.length > MANY && !await confirmed(question)) return;
  find("[data-undo]").disabled = true;
  const failed = await moveToBin(moved);
  find("[data-undo]").disabled = false;
  notice.hidden = false;
  notice.classList.toggle("wrong", Boolean(failed));
  notice.querySelector("span").textContent = failed ? `${gettext("Not all of them are in the bin.")} ${failed}` : gettext("What was added is in the bin.");
  notice.querySelector("a").focus();
}

/** Returns what went wrong, or undefined. */
async function moveToBin(moved) {
  while (added.length) {
    const some = added.slice(0, AT_ONCE);
    const body = new URLSearchParams([...some.map(({ id }) => ["id", id]), ["sure", "yes"]]);
    const answer = await fetch(box.dataset.afterwards, { method: "POST", body, redirect: "manual" }).catch(() => null);
    if (answer?.type !== "opaqueredirect") return reasonOf(answer); // it leads back to the catalogue once all are deleted
    added = added.slice(some.length);
    forgetAdded(new Set(some.map(({ page }) => page)));
    moved(some.length);
  }
  return undefined;
}

export function onUndo(moved) {
  find("[data-undo]").addEventListener("click", () => undo(moved));
}
