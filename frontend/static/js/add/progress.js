// Shows the progress of adding: counts, uploads in progress, refused files, and the pictures added last.

const [MAX_ADDED, MAX_REFUSED] = [24, 500];
const box = document.querySelector(".progress");
const find = (place) => box.querySelector(place);

function element(name, known = {}, ...children) {
  const made = Object.assign(document.createElement(name), known);
  made.append(...children);
  return made;
}

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

export function showAdded(path, { page, picture, state }) {
  find("[data-added]").hidden = false;
  const words = state === "known" ? "already there" : path.split("/").pop();
  const link = element("a", { href: page, title: path }, element("img", { src: picture, alt: path, width: 80, height: 80 }));
  const list = find(".added");
  list.prepend(element("li", {}, link, element("small", { textContent: words })));
  while (list.children.length > MAX_ADDED) list.lastChild.remove();
}

export function showRefused(path, { why, advice }) {
  find("[data-refused]").hidden = false;
  const list = find(".refused");
  if (list.children.length < MAX_REFUSED) list.append(element("li", {}, element("strong", { textContent: path }), `${why} ${advice}`));
}

/** Shows an error that stops all uploads; without an argument, hides it. */
export function showError(words = "") {
  find("[data-error]").hidden = !words;
  find("[data-error]").textContent = words;
}

export function showCounts({ all, added, known, refused: not }, { running, left }) {
  box.hidden = false;
  const done = added + known + not;
  const parts = [`${added} added`, known && `${known} there already`, not && `${not} not added`, left && `${left} to go`];
  find("[data-counts]").textContent = `${done} of ${all}: ${parts.filter(Boolean).join(", ")}.`;
  find("[data-all]").max = all;
  find("[data-all]").value = done;
  find("[data-stop]").hidden = !running;
  find("[data-go-on]").hidden = running || !left;
  if (!running) document.getElementById("status").textContent = find("[data-counts]").textContent;
}
