// Further pictures are appended as one scrolls, or by "Show more"; without the script that is a link to the next page. A
// reload, and the way back, come to the same place again.

import { gettext, ngettext } from "./messages.js";

const MARGIN = "1200px"; // so far below the window the next pictures are fetched
const place = `place ${location.pathname}${location.search}`;
const wallOf = () => document.querySelector("[data-more]");
const nextLink = () => document.querySelector("[data-load-more]");

/** Append the next pictures; `quietly`: leave the focus, and the page where they cannot be fetched. */
async function showMore(link, { quietly = false } = {}) {
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
  if (!tiles.length && quietly) {
    link.removeAttribute("aria-disabled");
    link.textContent = gettext("Show more");
    return false;
  }
  if (!tiles.length) {
    location.assign(link.href); // the error page says what is wrong
    return false;
  }
  wall.append(...tiles);
  const more = page.querySelector("[data-load-more]");
  if (more) link.parentElement.replaceWith(more.parentElement);
  else link.parentElement.remove();
  watch();
  if (quietly) return true;
  tiles[0].querySelector("a").focus({ preventScroll: true });
  document.getElementById("status").textContent = ngettext("%(num)s picture is shown", "%(num)s pictures are shown", wall.children.length);
  return true;
}

let hasScrolled = false; // who has not yet looks at what is there, and at what is below it

const observer = new IntersectionObserver((seen) => {
  const link = nextLink();
  if (hasScrolled && link && seen.at(-1).isIntersecting && !link.hasAttribute("aria-disabled")) showMore(link, { quietly: true });
}, { rootMargin: MARGIN });

function watch() {
  observer.disconnect();
  if (nextLink()) observer.observe(nextLink());
}

async function restorePlace() {
  const { type } = performance.getEntriesByType("navigation")[0] ?? {};
  const { count, y } = JSON.parse(sessionStorage.getItem(place) ?? "{}");
  if (!count || !["reload", "back_forward"].includes(type)) return;
  while (wallOf()?.children.length < count && nextLink()) if (!await showMore(nextLink(), { quietly: true })) break;
  scrollTo(0, y);
}

addEventListener("pagehide", () => {
  if (wallOf()) sessionStorage.setItem(place, JSON.stringify({ count: wallOf().children.length, y: scrollY }));
});
addEventListener("scroll", () => {
  if (hasScrolled) return;
  hasScrolled = true;
  watch();
}, { passive: true });
restorePlace();

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-load-more]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (!link.hasAttribute("aria-disabled")) showMore(link);
});
