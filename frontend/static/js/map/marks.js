// The marks of labels on the map: a colour and a shape for each of the most frequent, so that 24 can be told apart, and
// none by its colour alone where there are more labels than colours. Further labels share one mark, no label has another.

import { gettext, ngettext } from "../messages.js";

const COLOURS = 8;
const SHAPES = [
  "M5 1.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7Z", // circle
  "M1.8 1.8h6.4v6.4h-6.4Z", // square
  "M5 .8l4.4 7.6h-8.8Z", // triangle
]; // in a box of 10 x 10
const CROSS = "M2 1l3 3 3-3 1 1-3 3 3 3-1 1-3-3-3 3-1-1 3-3-3-3Z";

export const SIZE = 10;
export const MAX_MARKS = COLOURS * SHAPES.length;
export const [OTHER, NONE] = [MAX_MARKS, -1];

/** The mark of a label by its rank: its own, that of all other labels, or that of no label (-1). */
export const markOf = (label) => (label < 0 ? NONE : Math.min(label, OTHER));

/** The path of a mark, as in SVG. */
export const shapeOf = (mark) => (mark === NONE ? CROSS : SHAPES[Math.floor(mark / COLOURS)] ?? SHAPES[0]);

/** The colour of a mark in the present scheme. */
export function colourOf(mark, map) {
  const name = mark >= 0 && mark < MAX_MARKS ? `--label-${mark % COLOURS}` : "--other";
  return getComputedStyle(map).getPropertyValue(name);
}

/** The marks that the legend shows, with their words. */
export function legendOf(labels, points) {
  const entries = labels.slice(0, MAX_MARKS).map((words, mark) => ({ mark, words }));
  const others = labels.length - MAX_MARKS;
  if (others > 0) entries.push({ mark: OTHER, words: ngettext("%(num)s other label", "%(num)s other labels", others) });
  if (labels.length && points.some(({ mark }) => mark === NONE)) entries.push({ mark: NONE, words: gettext("no label") });
  return entries;
}
