// Adding many pictures: each is sent by itself, two at a time, so that one that is refused stops no other one, and so
// that it can be seen how each fares. They are chosen first; what the form says when it is sent is said of all of them.

import "./attribute_rows.js";
import { chosenFrom, droppedFrom } from "./add/files.js";
import { counts, refused, shown, started, trouble } from "./add/progress.js";

const [AT_ONCE, TRIES, PAUSE_SECONDS] = [2, 5, 3];
const form = document.querySelector("form.adding");
const limit = Number(form.dataset.limit);
const button = form.querySelector("[data-begin]");
const queue = []; // { file, path, fields, tries }
const tally = { all: 0, added: 0, known: 0, refused: 0 };

let chosen = []; // { file, path }
let running = 0;
let stopped = false;

function choose(files) {
  chosen.push(...files);
  button.disabled = !chosen.length;
  const words = `Add ${chosen.length.toLocaleString("en")} ${chosen.length === 1 ? "picture" : "pictures"}`;
  button.textContent = chosen.length ? words : "Nothing is chosen";
  if (files.length) document.getElementById("status").textContent = `${chosen.length} chosen`;
}

function begin() {
  const fields = [...new FormData(form)].filter(([name]) => name !== "file");
  for (const { file, path } of chosen) queue.push({ file, path, fields, tries: 0 });
  tally.all += chosen.length;
  chosen = [];
  choose([]);
  goOn();
}

function goOn() {
  stopped = false;
  trouble();
  while (running < AT_ONCE && queue.length) {
    running += 1;
    work();
  }
  tell();
}

async function work() {
  while (queue.length && !stopped) await sendOne(queue.shift());
  running -= 1;
  tell();
}

async function sendOne(job) {
  const row = started(job.path);
  const outcome = job.file.size > limit ? tooLarge() : await post(job, row.progress);
  row.remove();
  if (outcome.ends && outcome.wait !== undefined && job.tries < TRIES && !stopped) {
    await wait(outcome.wait ?? PAUSE_SECONDS);
    queue.unshift({ ...job, tries: job.tries + 1 });
  } else if (outcome.ends) {
    queue.unshift({ ...job, tries: 0 });
    stopped = true;
    trouble(`${outcome.why} ${outcome.advice}`);
  } else {
    tally[outcome.state] += 1;
    if (outcome.state === "refused") refused(job.path, outcome);
    else shown(job.path, outcome);
  }
  tell();
}

const wait = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
const tooLarge = () => ({ state: "refused", why: "This picture is too large.", advice: "Save a smaller version of it, and add that." });
const unanswered = { ends: true, why: "This page’s server did not answer.", advice: "Check the connection, then go on." };

function post({ file, path, fields }, progress) {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  body.set("path", path);
  body.set("file", file, file.name || "picture");
  return new Promise((resolve) => {
    const request = new XMLHttpRequest(); // fetch() does not tell how much is sent
    request.open("POST", form.dataset.one);
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onerror = () => resolve(unanswered);
    request.onload = () => {
      try {
        const { wait: seconds, ...outcome } = JSON.parse(request.responseText);
        resolve(seconds === null ? outcome : { ...outcome, wait: seconds });
      } catch (error) {
        console.error(error);
        resolve(unanswered);
      }
    };
    request.send(body);
  });
}

function tell() {
  counts(tally, { running: running > 0, left: queue.length });
}

form.addEventListener("change", ({ target }) => {
  if (target.type !== "file") return;
  choose(chosenFrom(target));
  target.value = ""; // choosing the same again is a change again
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (chosen.length) begin();
});

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-stop]")) stopped = true;
  else if (target.closest("[data-go-on]")) goOn();
  else return;
  tell();
});

for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, async (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    document.documentElement.classList.toggle("dragging", !(name === "drop" || (name === "dragleave" && !event.relatedTarget)));
    if (name === "drop") choose(await droppedFrom(event.dataTransfer));
  });
}

addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault(); // what is not sent yet would be lost
});

choose([]);
