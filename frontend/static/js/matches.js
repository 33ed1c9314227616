// What can be done with the matches: add one to the query, take one out, show more of them.

import { ask } from "./search.js";
import { currentMain, say, send } from "./history.js";

const MOST_SAVED = 100; // in one answer of the API

function others(name) {
  return [...currentMain().querySelectorAll(`form.search input[name="${name}"]`)];
}

function take(id) {
  for (const field of [...others("like"), ...others("unlike")]) if (field.value === id) field.remove();
}

function add(name, id) {
  take(id);
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = name;
  field.value = id;
  currentMain().querySelector("form.search").append(field);
}

async function showMore(link) {
  const main = currentMain();
  link.setAttribute("aria-disabled", "true");
  link.textContent = "Fetching…";
  let page;
  try {
    page = new DOMParser().parseFromString((await send(link.href)).text, "text/html");
  } catch (error) {
    console.error(error);
  }
  const tiles = [...(page?.querySelectorAll(".hits > li") ?? [])];
  if (!tiles.length) {
    location.assign(link.href); // whatever is wrong, that page says it
    return;
  }
  main.querySelector(".hits").append(...tiles);
  const further = page.querySelector(".further");
  if (further) link.parentElement.replaceWith(further);
  else link.parentElement.remove();
  const { start, children: { length: count } } = main.querySelector(".hits");
  const heading = main.querySelector("#matches");
  heading.textContent = start > 1 ? `Matches ${start} to ${start + count - 1}` : `${count} closest matches`;
  for (const save of main.querySelectorAll("[data-save]")) {
    const url = new URL(save.href);
    url.searchParams.set("k", Math.min(count, MOST_SAVED));
    save.href = url.href;
    if (count > MOST_SAVED) save.textContent = `${save.textContent.split(" ")[0]} (the first ${MOST_SAVED})`;
  }
  tiles[0].querySelector("a").focus({ preventScroll: true });
  say(heading.textContent);
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const further = target.closest("[data-further]");
  if (further && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
    event.preventDefault();
    if (!further.hasAttribute("aria-disabled")) showMore(further);
  }
  const id = target.closest("[data-id]")?.dataset.id;
  const adding = target.closest("button[data-add]");
  if (adding) add(adding.dataset.add, id);
  else if (target.closest("button[data-remove]")) take(id);
  else return;
  ask();
});
