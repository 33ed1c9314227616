// The map of the catalogue: a dot for each picture, or its thumbnail when few are in view.
// 5,000 dots take a few milliseconds, so every change redraws all of them.

import { handleInput } from "./map/input.js";
import { legend, link, nearest, thumbnail, tip } from "./map/details.js";
import { SIZE, colourOf, legendOf, markOf, shapeOf } from "./map/marks.js";
import { gettext, ngettext } from "./messages.js";

const [MARGIN, THUMBNAIL, MAX_PICTURES] = [32, 72, 90]; // in pixels, except the last one
const map = document.querySelector("[data-map]");
const canvas = map.querySelector("canvas");
const context = canvas.getContext("2d");
const statusLine = document.getElementById("map-status");
const pictures = new Map(); // id -> Image, loaded when first in view
const view = { x: 0, y: 0, scale: 1, least: 1 }; // centre; pixels for one unit of the vectors

let all = { points: [], labels: [], total: 0 };
let selectedMark = null; // the only mark shown; null: all
let framePending = false;

const place = ({ x, y }) => [(x - view.x) * view.scale + canvas.clientWidth / 2, (view.y - y) * view.scale + canvas.clientHeight / 2];
const isShown = ({ mark }) => selectedMark === null || mark === selectedMark;

async function start() {
  try {
    const answer = await fetch(map.dataset.map);
    if (!answer.ok) throw new Error(`${answer.status}`);
    all = await answer.json();
  } catch (error) {
    console.error(error);
    statusLine.textContent = gettext("The map could not be fetched. Reload this page to try again.");
    return;
  }
  all.points = all.points.map(([id, x, y, label]) => ({ id, x, y, mark: markOf(label), name: all.labels[label] ?? gettext("no label") }));
  statusLine.textContent = statusText();
  if (!all.points.length) return;
  legend(map, legendOf(all.labels, all.points), (mark) => {
    selectedMark = mark;
    redraw();
  });
  showAll();
  new ResizeObserver(redraw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  handleInput(canvas, { move, zoom, showAll, hover, open });
}

function statusText() {
  const { length } = all.points;
  if (!length) return gettext("There is nothing to show yet: the catalogue is empty.");
  if (length < all.total) return gettext("%(shown)s of %(total)s pictures, selected at random", { shown: length, total: all.total });
  return ngettext("%(num)s picture", "%(num)s pictures", length);
}

/** Fit all points into the canvas. */
function showAll() {
  const [xs, ys] = [all.points.map(({ x }) => x), all.points.map(({ y }) => y)];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const fits = [(canvas.clientWidth - 2 * MARGIN) / (right - left || 1), (canvas.clientHeight - 2 * MARGIN) / (high - low || 1)];
  const scale = Math.max(Math.min(...fits), Number.MIN_VALUE);
  Object.assign(view, { x: (left + right) / 2, y: (low + high) / 2, scale, least: scale / 2 });
  redraw();
}

function move(right, down) {
  view.x -= right / view.scale;
  view.y += down / view.scale;
  redraw();
}

/** Zoom about a point of the canvas, which stays in place. */
function zoom(factor, left = canvas.clientWidth / 2, top = canvas.clientHeight / 2) {
  const scale = Math.min(Math.max(view.scale * factor, view.least), view.least * 4000);
  const [right, down] = [left - canvas.clientWidth / 2, top - canvas.clientHeight / 2];
  view.x += right / view.scale - right / scale;
  view.y -= down / view.scale - down / scale;
  view.scale = scale;
  redraw();
}

function redraw() {
  if (framePending) return;
  framePending = true;
  requestAnimationFrame(() => {
    framePending = false;
    draw();
  });
}

function draw() {
  const [wide, high, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
  if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
    [canvas.width, canvas.height] = [Math.round(wide * ratio), Math.round(high * ratio)];
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, wide, high);
  const visible = all.points.filter((point) => {
    const [left, top] = place(point);
    return isShown(point) && left > -THUMBNAIL && top > -THUMBNAIL && left < wide + THUMBNAIL && top < high + THUMBNAIL;
  });
  const marks = new Map([...new Set(visible.map(({ mark }) => mark))].map((mark) => [mark, { colour: colourOf(mark, map), path: new Path2D(shapeOf(mark)) }]));
  const large = visible.length <= MAX_PICTURES && view.scale > view.least * 2.5;
  for (const point of visible.reverse()) (large && drawPicture(point, marks)) || drawDot(point, marks);
  const { x, y } = view;
  nearest(map, visible.map((point) => ({ point, far: Math.hypot(point.x - x, point.y - y) })));
}

function drawDot(point, marks) {
  const [left, top] = place(point);
  const { colour, path } = marks.get(point.mark);
  context.fillStyle = colour;
  context.translate(left - SIZE / 2, top - SIZE / 2);
  context.fill(path);
  context.translate(SIZE / 2 - left, SIZE / 2 - top);
}

/** False until the picture is loaded. */
function drawPicture(point, marks) {
  let picture = pictures.get(point.id);
  if (!picture) {
    picture = new Image();
    picture.src = thumbnail(point.id);
    picture.onload = redraw;
    pictures.set(point.id, picture);
  }
  if (!picture.complete || !picture.naturalWidth) return false;
  const scale = THUMBNAIL / Math.max(picture.naturalWidth, picture.naturalHeight);
  const [wide, high] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
  const [left, top] = place(point);
  context.drawImage(picture, left - wide / 2, top - high / 2, wide, high);
  context.strokeStyle = marks.get(point.mark).colour;
  context.lineWidth = 2;
  context.strokeRect(left - wide / 2, top - high / 2, wide, high);
  return true;
}

/** The point nearest to a position on the canvas; undefined if none is close. */
function at(left, top) {
  let found;
  let least = 20; // pixels; touch is inexact
  for (const point of all.points) {
    const [x, y] = place(point);
    const far = Math.hypot(x - left, y - top);
    if (far < least && isShown(point)) [found, least] = [point, far];
  }
  return found;
}

function hover(left, top) {
  const point = left === undefined ? undefined : at(left, top);
  canvas.classList.toggle("pointing", Boolean(point));
  tip(map, point, point ? place(point) : [0, 0]);
}

function open(left, top) {
  const point = at(left, top);
  if (point) location.assign(link(point.id));
}

start();
