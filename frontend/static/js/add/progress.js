// Shows the progress of adding: counts, uploads in progress, and the outcome of every picture.

import { gettext, listOf } from "../messages.js";
import { element } from "./elements.js";

const box = document.querySelector(".progress");
const find = (place) => box.querySelector(place);

/** Adds a row for an upload in progress. */
export function showStarted(path) {
  const bar = element("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", path);
  const row = element("li", {}, element("span", { textContent: path }), bar);
  find(".in-progress").append(row);
  return {
    progress: (share) => {
      if (share < 1) bar.value = share;
      else bar.removeAttribute("value"); // upload complete; the server is processing it
    },
    remove: () => row.remove(),
  };
}

/** A picture that is in the catalogue: added, or there already. */
export function showAdded(path, { page, picture, state }) {
  const section = find(`[data-outcome=${state}]`);
  const image = element("img", { alt: path, width: 80, height: 80, loading: "lazy", decoding: "async", src: picture });
  section.hidden = false;
  section.querySelector("ul").prepend(element("li", {}, element("a", { href: page, title: path }, image), element("small", { textContent: path.split("/").pop() })));
}

export const showRefused = (path, { why, advice }) => list("refused", path, `${why} ${advice}`);

/** Files that were not sent at all. */
export function showSkipped(skipped) {
  for (const { path, reason } of skipped) list("skipped", path, reason);
}

function list(outcome, path, words) {
  const section = find(`[data-outcome=${outcome}]`);
  section.hidden = false;
  section.querySelector("ul").append(element("li", {}, element("strong", { textContent: path }), words));
}

/** The pictures that were added are in the catalogue no more. */
export function forgetAdded(pages) {
  for (const link of find("[data-outcome=added]").querySelectorAll("a")) {
    if (pages.has(link.getAttribute("href"))) link.closest("li").remove();
  }
  find("[data-outcome=added]").hidden = !find("[data-outcome=added] li");
}

/** Shows an error that stops all uploads; without an argument, hides it. */
export function showError(words = "") {
  find("[data-error]").hidden = !words;
  find("[data-error]").textContent = words;
}

/** `left`: pictures that have no outcome yet, those in progress among them. */
export function showCounts({ added, known, refused, undone }, { running, left }) {
  box.hidden = false;
  const done = added + known + refused + undone;
  const parts = [
    gettext("%(count)s added", { count: added }),
    known && gettext("%(count)s there already", { count: known }),
    refused && gettext("%(count)s not added", { count: refused }),
    undone && gettext("%(count)s moved to the bin", { count: undone }),
    left && gettext("%(count)s to go", { count: left }),
  ];
  find("[data-counts]").textContent = gettext("%(done)s of %(total)s: %(parts)s.", { done, total: done + left, parts: listOf(parts.filter(Boolean)) });
  find("[data-all]").max = done + left;
  find("[data-all]").value = done;
  find("[data-stop]").hidden = !running;
  find("[data-go-on]").hidden = running || !left;
  if (!running) document.getElementById("status").textContent = find("[data-counts]").textContent;
}
