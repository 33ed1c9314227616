// What can be done with the matches: add one to the query, take one out, show more of them.

import { ask } from "./asking.js";
import { currentMain, say, send } from "./history.js";

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
  const count = main.querySelectorAll(".hits > li").length;
  main.querySelector("#matches").textContent = `${count} closest matches`;
  for (const save of main.querySelectorAll("[data-save]")) {
    const url = new URL(save.href);
    url.searchParams.set("k", Math.min(count, 100));
    save.href = url.href;
  }
  tiles[0].querySelector("a").focus({ preventScroll: true });
  say(`${count} closest matches`);
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
