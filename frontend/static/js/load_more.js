// "Show more" appends the next pictures to the list; without the script it is a link to the next page.

import { gettext, ngettext } from "./messages.js";

async function showMore(link) {
  const wall = document.querySelector("[data-more]");
  link.setAttribute("aria-disabled", "true");
  link.textContent = gettext("Fetching…");
  let page;
  try {
    const answer = await fetch(link.href);
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    console.error(error);
  }
  const tiles = [...(page?.querySelectorAll("[data-more] > li") ?? [])];
  if (!tiles.length) {
    location.assign(link.href); // the error page says what is wrong
    return;
  }
  wall.append(...tiles);
  const more = page.querySelector("[data-load-more]");
  if (more) link.parentElement.replaceWith(more.parentElement);
  else link.parentElement.remove();
  tiles[0].querySelector("a").focus({ preventScroll: true });
  document.getElementById("status").textContent = ngettext("%(num)s picture is shown", "%(num)s pictures are shown", wall.children.length);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-load-more]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (!link.hasAttribute("aria-disabled")) showMore(link);
});
