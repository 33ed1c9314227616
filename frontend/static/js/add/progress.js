// How the pictures fare, as it is shown: in counts, and one by one for those that are refused, on their way, or the last.

const [MOST_ADDED, MOST_REFUSED] = [24, 500];
const box = document.querySelector(".progress");
const find = (place) => box.querySelector(place);

function element(name, known = {}, ...children) {
  const made = Object.assign(document.createElement(name), known);
  made.append(...children);
  return made;
}

/** A row for a picture that is being sent. */
export function started(path) {
  const bar = element("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", path);
  const row = element("li", {}, element("span", { textContent: path }), bar);
  find(".now").append(row);
  return {
    progress: (share) => {
      if (share < 1) bar.value = share;
      else bar.removeAttribute("value"); // it is sent, and being looked at
    },
    remove: () => row.remove(),
  };
}

export function shown(path, { page, picture, state }) {
  find("[data-added]").hidden = false;
  const words = state === "known" ? "was there" : path.split("/").pop();
  const link = element("a", { href: page, title: path }, element("img", { src: picture, alt: path, width: 80, height: 80 }));
  const list = find(".added");
  list.prepend(element("li", {}, link, element("small", { textContent: words })));
  while (list.children.length > MOST_ADDED) list.lastChild.remove();
}

export function refused(path, { why, advice }) {
  find("[data-refused]").hidden = false;
  const list = find(".refused");
  if (list.children.length < MOST_REFUSED) list.append(element("li", {}, element("strong", { textContent: path }), `${why} ${advice}`));
}

/** What keeps all of them from being added; nothing, once it goes on. */
export function trouble(words = "") {
  find("[data-trouble]").hidden = !words;
  find("[data-trouble]").textContent = words;
}

export function counts({ all, added, known, refused: not }, { running, left }) {
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
