// On narrow windows the query is above the matches. When it is scrolled out of view, a small copy of its picture stays in
// the heading of the matches; a click on it scrolls back to the query.

import { currentMain } from "./history.js";
import { gettext } from "./messages.js";

const query = new IntersectionObserver((seen) => {
  const copy = currentMain().querySelector(".query-thumbnail");
  if (!copy) return;
  const isSeen = seen.at(-1).isIntersecting;
  if (isSeen && copy === document.activeElement) currentMain().focus({ preventScroll: true });
  copy.hidden = isSeen;
});

function copyOf(canvas) {
  const copy = document.createElement("button");
  const picture = canvas.querySelector("img").cloneNode();
  picture.alt = gettext("Back to the query");
  picture.sizes = "7rem";
  copy.type = "button";
  copy.hidden = true;
  copy.className = `query-thumbnail arrived ${[...canvas.classList].find((name) => /^r\d+$/.test(name))}`;
  copy.append(picture);
  return copy;
}

document.addEventListener("shown", ({ detail: { main } }) => {
  query.disconnect();
  main.querySelector(".query-thumbnail")?.remove(); // left from an earlier view of this page
  const canvas = main.querySelector(".query [data-canvas]:has(img)");
  const heading = main.querySelector(".heading");
  if (!canvas || !heading) return;
  heading.append(copyOf(canvas));
  query.observe(canvas);
});

document.addEventListener("click", ({ target }) => {
  if (!target.closest(".query-thumbnail")) return;
  scrollTo(0, 0);
  currentMain().focus({ preventScroll: true });
});
