// Duplicates: progress of the search, number of selected pictures, deletion with undo, dismissal of groups.

import "./compare.js";
import { MANY, confirmed } from "./confirm.js";
import { gettext, ngettext } from "./messages.js";
import { deleteLater } from "./undo.js";

const POLL_MILLISECONDS = 1500;
const say = (words) => { document.getElementById("status").textContent = words; };

/** Refresh the page while the search runs. */
async function pollSearch() {
  if (!document.querySelector("[data-running]")) return;
  await new Promise((resolve) => { setTimeout(resolve, POLL_MILLISECONDS); });
  try {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const main = document.adoptNode(page.getElementById("main"));
    document.getElementById("main").replaceWith(main);
    if (!main.querySelector("[data-running]")) say(main.querySelector("h2, h1").textContent);
  } catch (error) {
    console.error(error); // try again: the server may be back soon
  }
  count();
  pollSearch();
}

const boxes = () => [...document.querySelectorAll("input[type=checkbox][form=delete-selected]")];

function count() {
  const button = document.querySelector("[data-delete]");
  if (!button) return;
  const selected = boxes().filter(({ checked }) => checked).length;
  button.disabled = !selected;
  const emptied = [...document.querySelectorAll("[data-group]")].filter((group) => !group.querySelector("input[type=checkbox][form=delete-selected]:not(:checked)")).length;
  const words = ngettext("Delete %(num)s selected picture", "Delete %(num)s selected pictures", selected);
  const groups = emptied ? ngettext(", all of %(num)s group", ", all of %(num)s groups", emptied) : "";
  button.textContent = selected ? words + groups : gettext("Nothing is selected");
}

async function deleteSelected(form) {
  const selected = boxes().filter(({ checked }) => checked);
  if (!selected.length || (selected.length > MANY && !await isMeant(selected))) return;
  const button = form.querySelector("button");
  const tiles = selected.map((box) => box.closest("li"));
  const end = (isOver) => {
    button.disabled = false;
    for (const tile of tiles) {
      if (isOver) remove(tile);
      else tile.classList.remove("pending-delete");
    }
    count();
  };
  for (const tile of tiles) tile.classList.add("pending-delete");
  deleteLater(form, {
    count: selected.length,
    after: () => end(true),
    undone: () => end(false),
  });
  button.disabled = true;
}

/** Ask before many pictures are deleted, with the numbers. */
function isMeant(selected) {
  const groups = new Set(selected.map((box) => box.closest("[data-group]")));
  const kept = boxes().filter((box) => !box.checked && groups.has(box.closest("[data-group]"))).length;
  const where = ngettext("They are in %(num)s group.", "They are in %(num)s groups.", groups.size);
  const rest = ngettext("%(num)s picture of them is kept.", "%(num)s pictures of them are kept.", kept);
  return confirmed({
    heading: ngettext("Delete %(num)s picture?", "Delete %(num)s pictures?", selected.length),
    text: `${where} ${rest} ${gettext("What is deleted waits in the bin for some days.")}`,
    action: ngettext("Delete %(num)s picture", "Delete %(num)s pictures", selected.length),
    keep: gettext("Keep them"),
  });
}

/** Remove a picture, and its group if only one picture is left. */
function remove(tile) {
  const group = tile.closest("[data-group]");
  const members = group.querySelector("input[name=members]");
  const { value } = tile.querySelector("input[type=checkbox]");
  if (members) members.value = JSON.stringify(JSON.parse(members.value).filter((id) => id !== value));
  tile.remove();
  if (group.querySelectorAll(".members > li").length < 2) group.remove();
}

async function dismiss(form) {
  const group = form.closest("[data-group]");
  const next = group.nextElementSibling ?? group.previousElementSibling;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (!answer?.ok) {
    form.submit(); // the error page says what is wrong
    return;
  }
  group.remove();
  count();
  say(gettext("They will not be reported together again."));
  (next?.querySelector("[data-dismiss] button") ?? document.getElementById("main")).focus();
}

// Ticks stay while one looks at a picture and comes back, as long as the tab is open.
const place = `ticks ${location.pathname}${location.search}`;

function keepTicks() {
  sessionStorage.setItem(place, JSON.stringify(Object.fromEntries(boxes().map(({ value, checked }) => [value, checked]))));
}

function restoreTicks() {
  const ticks = JSON.parse(sessionStorage.getItem(place) ?? "{}");
  for (const box of boxes()) box.checked = ticks[box.value] ?? box.checked;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("input[form=delete-selected]")) keepTicks();
  count();
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("#delete-selected")) { // not form.id: a field has that name
    event.preventDefault();
    deleteSelected(form);
  } else if (form.matches("[data-dismiss]")) {
    event.preventDefault();
    dismiss(form);
  }
});

restoreTicks();
count();
pollSearch();
