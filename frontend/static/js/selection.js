// Selecting many pictures: one by one, with Shift a whole range, or all that the filters let through; then what is done
// with them. Listens to the document only, because the matches of a search are replaced by the next.

import { MANY, confirmed } from "./confirm.js";
import { reasonOf } from "./error_page.js";
import { gettext, ngettext } from "./messages.js";

let last; // the box that was clicked last
const bar = () => document.getElementById("selection");
const boxes = () => [...document.querySelectorAll(".pick input")];
const everything = () => bar()?.elements.everything;
const say = (words) => { document.getElementById("status").textContent = words; };

function selectedCount() {
  const all = everything();
  return all?.checked ? Number(all.dataset.total) : boxes().filter(({ checked }) => checked).length;
}

function show() {
  const form = bar();
  if (!form) return;
  const count = selectedCount();
  form.classList.toggle("active", count > 0 || Boolean(form.querySelector("[data-told]")));
  const words = count ? ngettext("%(num)s selected", "%(num)s selected", count) : "";
  form.querySelector("[data-count]").textContent = words;
  return words;
}

function selectNone() {
  for (const box of boxes()) box.checked = false;
  if (everything()) everything().checked = false;
}

/** Select, or take back, every picture between the last one clicked and this one. */
function selectRange(box) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (from < 0) return;
  for (const each of all.slice(from, to + 1)) each.checked = box.checked;
}

/** Tell what was done below the buttons, with what takes it back. */
function tell(words, ...ways) {
  const form = bar();
  form.querySelector("[data-told]")?.remove();
  const line = document.createElement("p");
  line.dataset.told = "";
  line.setAttribute("role", "status");
  line.append(words, ...ways);
  form.append(line);
  show();
}

function way(words, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.textContent = words;
  button.addEventListener("click", act);
  return button;
}

async function send(url, body) {
  const answer = await fetch(url, { method: "POST", body, headers: { "X-Lookalike-Script": "1" } }).catch(() => null);
  if (answer?.ok) return answer.json();
  throw new Error(await reasonOf(answer));
}

async function undo(change) {
  const { words } = await send(bar().dataset.undo, new URLSearchParams({ change }));
  say(words);
  location.reload();
}

async function act(form, submitter) {
  const url = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  const isDeletion = url === new URL(form.dataset.delete, location.href).href;
  const count = selectedCount();
  if (isDeletion && (count > MANY || everything()?.checked) && !await confirmed({
    heading: ngettext("Delete %(num)s picture?", "Delete %(num)s pictures?", count),
    text: gettext("What is deleted waits in the bin for some days."),
    action: ngettext("Delete %(num)s picture", "Delete %(num)s pictures", count),
    keep: gettext("Keep them"),
  })) return;
  const body = new URLSearchParams([...new FormData(form)]);
  if (isDeletion) body.set("sure", "yes");
  const tiles = boxes().filter(({ checked }) => checked || everything()?.checked).map((box) => box.closest(".tile"));
  let told;
  try {
    told = await send(url, body);
  } catch ({ message }) {
    tell(message);
    return;
  }
  selectNone();
  if (isDeletion) {
    const ids = new URLSearchParams(body.getAll("id").map((id) => ["id", id]));
    tiles.forEach((tile) => tile.remove());
    const link = Object.assign(document.createElement("a"), { href: told.bin, textContent: gettext("Open the bin") });
    const restore = body.has("everything") ? [] : [way(gettext("Restore"), () => fetch(form.dataset.restore, { method: "POST", body: ids }).then(() => location.reload()))];
    tell(told.words, ...restore, link);
    return;
  }
  if (told.label) for (const tile of tiles) showLabel(tile, told.label);
  tell(told.words, ...(told.change ? [way(gettext("Undo"), () => undo(told.change))] : []));
}

function showLabel(tile, label) {
  const caption = tile.querySelector(".caption");
  const shown = caption.querySelector(".label") ?? caption.insertBefore(Object.assign(document.createElement("p"), { className: "label" }), caption.firstChild);
  shown.textContent = label;
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.matches?.(".pick input")) {
    if (event.shiftKey && last) selectRange(target);
    last = target;
    bar()?.querySelector("[data-told]")?.remove();
    say(show());
  } else if (target.closest?.("[data-select-none]")) {
    selectNone();
    say(show());
  }
});

// On a phone a long press would open the menu of the link; on a desk, Shift and a click on the picture selects.
document.addEventListener("click", (event) => {
  const tile = event.target.closest?.(".tile:has(.pick)");
  if (!tile || !event.shiftKey || event.button || !event.target.closest(".frame")) return;
  event.preventDefault();
  event.stopPropagation();
  const box = tile.querySelector(".pick input");
  box.checked = !box.checked;
  if (last) selectRange(box);
  last = box;
  say(show());
}, true);

document.addEventListener("change", ({ target }) => {
  if (target.name === "everything" && target.form === bar()) say(show());
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form !== bar()) return;
  if (event.submitter?.name === "as") return; // a download
  event.preventDefault();
  act(form, event.submitter);
});

document.addEventListener("shown", () => { show(); });
addEventListener("pageshow", () => { show(); }); // browsers fill in boxes again
show();
