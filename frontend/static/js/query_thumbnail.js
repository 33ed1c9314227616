// Where the query is not beside the matches but above them, and has been scrolled out of view: a small copy of its picture
// stays at their heading, and leads back to it.

import { currentMain } from "./history.js";

const query = new IntersectionObserver((seen) => {
  const copy = currentMain().querySelector(".beside");
  if (!copy) return;
  const isSeen = seen.at(-1).isIntersecting;
  if (isSeen && copy === document.activeElement) currentMain().focus({ preventScroll: true });
  copy.hidden = isSeen;
});

function copyOf(canvas) {
  const copy = document.createElement("button");
  const picture = canvas.querySelector("img").cloneNode();
  picture.alt = "Back to the query";
  picture.sizes = "7rem";
  copy.type = "button";
  copy.hidden = true;
  copy.className = `beside arrived ${[...canvas.classList].find((name) => /^r\d+$/.test(name))}`;
  copy.append(picture);
  return copy;
}

document.addEventListener("shown", ({ detail: { main } }) => {
  query.disconnect();
  main.querySelector(".beside")?.remove(); // of a page that is shown again
  const canvas = main.querySelector(".query [data-canvas]:has(img)");
  const heading = main.querySelector(".heading");
  if (!canvas || !heading) return;
  heading.append(copyOf(canvas));
  query.observe(canvas);
});

document.addEventListener("click", ({ target }) => {
  if (!target.closest(".beside")) return;
  scrollTo(0, 0);
  currentMain().focus({ preventScroll: true });
});
