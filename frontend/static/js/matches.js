// Actions on matches: add one to the query, remove one from it, load more.

import { gettext, ngettext } from "./messages.js";
import { searchAgain } from "./search.js";
import { currentMain, say, send } from "./history.js";

const MAX_SAVED = 100; // the most that one API answer holds

function extraFields(name) {
  return [...currentMain().querySelectorAll(`form.search input[name="${name}"]`)];
}

function removeExtra(id) {
  for (const field of [...extraFields("like"), ...extraFields("unlike")]) if (field.value === id) field.remove();
}

function addExtra(name, id) {
  removeExtra(id);
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = name;
  field.value = id;
  currentMain().querySelector("form.search").append(field);
}

async function showMore(link) {
  const main = currentMain();
  link.setAttribute("aria-disabled", "true");
  link.textContent = gettext("Fetching…");
  let page;
  try {
    page = new DOMParser().parseFromString((await send(link.href)).text, "text/html");
  } catch (error) {
    console.error(error);
  }
  const tiles = [...(page?.querySelectorAll(".hits > li") ?? [])];
  if (!tiles.length) {
    location.assign(link.href); // the error page says what is wrong
    return;
  }
  main.querySelector(".hits").append(...tiles);
  const more = page.querySelector(".more");
  if (more) link.parentElement.replaceWith(more);
  else link.parentElement.remove();
  const { start, children: { length: count } } = main.querySelector(".hits");
  const heading = main.querySelector("#matches");
  if (main.dataset.kind !== "words") heading.textContent = start > 1 ? gettext("Matches %(first)s to %(last)s", { first: start, last: start + count - 1 }) : ngettext("%(num)s closest match", "%(num)s closest matches", count);
  for (const save of main.querySelectorAll("[data-save]")) {
    const url = new URL(save.href);
    url.searchParams.set("k", Math.min(count, MAX_SAVED));
    save.href = url.href;
    if (count > MAX_SAVED) save.textContent = gettext("%(kind)s (the first %(count)s)", { kind: save.textContent.trim().split(" ")[0], count: MAX_SAVED });
  }
  tiles[0].querySelector("a").focus({ preventScroll: true });
  say(heading.textContent);
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const more = target.closest("[data-load-more]");
  if (more && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
    event.preventDefault();
    if (!more.hasAttribute("aria-disabled")) showMore(more);
  }
  const id = target.closest("[data-id]")?.dataset.id;
  const adding = target.closest("button[data-add]");
  if (adding) addExtra(adding.dataset.add, id);
  else if (target.closest("button[data-remove]")) removeExtra(id);
  else return;
  searchAgain();
});
