// "Show more" puts the next pictures below those that are there; without the script it is a page of its own.

async function showMore(link) {
  const wall = document.querySelector("[data-more]");
  link.setAttribute("aria-disabled", "true");
  link.textContent = "Fetching…";
  let page;
  try {
    const answer = await fetch(link.href);
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    console.error(error);
  }
  const tiles = [...(page?.querySelectorAll("[data-more] > li") ?? [])];
  if (!tiles.length) {
    location.assign(link.href); // whatever is wrong, that page says it
    return;
  }
  wall.append(...tiles);
  const further = page.querySelector("[data-further]");
  if (further) link.parentElement.replaceWith(further.parentElement);
  else link.parentElement.remove();
  tiles[0].querySelector("a").focus({ preventScroll: true });
  document.getElementById("status").textContent = `${wall.children.length} pictures are shown`;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-further]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (!link.hasAttribute("aria-disabled")) showMore(link);
});
