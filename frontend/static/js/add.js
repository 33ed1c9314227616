// Adding many pictures: each is its own request, two at a time, so that a refused picture does not stop the others and
// each has its own progress. Label and attributes of the form apply to all pictures selected when it is sent.

import "./attribute_rows.js";
import { onUndo, remember, showAfterwards } from "./add/afterwards.js";
import { filesFromInput, filesFromDrop } from "./add/files.js";
import { showAdded, showCounts, showError, showRefused, showSkipped, showStarted } from "./add/progress.js";
import { addToSelection, takeSelection } from "./add/selection.js";
import "./label_suggestions.js";
import { gettext, ngettext } from "./messages.js";

const [AT_ONCE, TRIES, PAUSE_SECONDS] = [2, 5, 3];
const form = document.querySelector("form.add-form");
const button = form.querySelector("[data-begin]");
const queue = []; // { file, path, fields, tries }
const tally = { added: 0, known: 0, refused: 0, undone: 0 };

let running = 0;
let inProgress = 0;
let stopped = false;

function select(files) {
  const count = addToSelection(files);
  button.disabled = !count;
  button.textContent = count ? ngettext("Add %(num)s picture", "Add %(num)s pictures", count) : gettext("Nothing is selected");
}

function enqueue() {
  const fields = [...new FormData(form)].filter(([name]) => name !== "file");
  const { pictures, skipped } = takeSelection();
  showSkipped(skipped);
  for (const { file, path } of pictures) queue.push({ file, path, fields, tries: 0 });
  select([]);
  resume();
}

function resume() {
  stopped = false;
  showError();
  while (running < AT_ONCE && queue.length) {
    running += 1;
    work();
  }
  updateCounts();
}

async function work() {
  while (queue.length && !stopped) await sendOne(queue.shift());
  running -= 1;
  updateCounts();
}

async function sendOne(job) {
  const row = showStarted(job.path);
  inProgress += 1;
  const result = await isReadable(job.file) ? await post(job, row.progress) : unreadable;
  row.remove();
  if (result.ends && result.wait !== undefined && job.tries < TRIES && !stopped) {
    await wait(result.wait ?? PAUSE_SECONDS);
    queue.unshift({ ...job, tries: job.tries + 1 });
  } else if (result.ends) {
    queue.unshift({ ...job, tries: 0 });
    stopped = true;
    showError(`${result.why} ${result.advice}`);
  } else {
    tally[result.state] += 1;
    if (result.state === "refused") showRefused(job.path, result);
    else showAdded(job.path, result);
    if (result.state === "added") remember(result);
  }
  inProgress -= 1;
  updateCounts();
}

const wait = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);
const unreadable = { state: "refused", why: gettext("This file cannot be read any more."), advice: gettext("It may have been moved or changed since it was selected: select it again.") };
const unanswered = { ends: true, why: gettext("This page’s server did not answer."), advice: gettext("Check the connection, then go on.") };

function post({ file, path, fields }, progress) {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  body.set("path", path);
  body.set("file", file, file.name || "picture");
  return new Promise((resolve) => {
    const request = new XMLHttpRequest(); // fetch() does not report upload progress
    request.open("POST", form.dataset.one);
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onerror = () => resolve(unanswered);
    request.onload = () => {
      try {
        const { wait: seconds, ...result } = JSON.parse(request.responseText);
        resolve(seconds === null ? result : { ...result, wait: seconds });
      } catch (error) {
        console.error(error);
        resolve(unanswered);
      }
    };
    request.send(body);
  });
}

function updateCounts() {
  showCounts(tally, { running: running > 0, left: queue.length + inProgress });
  showAfterwards(running > 0);
}

form.addEventListener("change", ({ target }) => {
  if (target.type !== "file") return;
  select(filesFromInput(target));
  target.value = ""; // so that selecting the same files again fires a change event
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!button.disabled) enqueue();
});

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-select-none]")) {
    takeSelection();
    select([]);
    form.querySelector("input[type=file]").focus();
    return;
  }
  if (target.closest("[data-stop]")) stopped = true;
  else if (target.closest("[data-go-on]")) resume();
  else return;
  updateCounts();
});

for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, async (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    document.documentElement.classList.toggle("dragging", !(name === "drop" || (name === "dragleave" && !event.relatedTarget)));
    if (name === "drop") select(await filesFromDrop(event.dataTransfer));
  });
}

addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault(); // unsent pictures would be lost
});

onUndo((count) => {
  tally.added -= count;
  tally.undone += count;
  updateCounts();
});
select([]);
