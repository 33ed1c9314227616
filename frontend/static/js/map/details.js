// Around the map: legend, thumbnail under the pointer, links to the pictures nearest to the centre.

import { colourOf, shapeOf } from "./marks.js";

const [NEAREST, PAUSE_MILLISECONDS] = [10, 250];
const SVG = "http://www.w3.org/2000/svg";
const { item, thumbnail: small } = document.querySelector("[data-map]").dataset;
let timer;

export const thumbnail = (id) => `${small}?${new URLSearchParams({ id, size: 160 })}`;
export const link = (id) => `${item}?${new URLSearchParams({ id })}`;

function element(name, known = {}, ...children) {
  const made = Object.assign(document.createElement(name), known);
  made.append(...children);
  return made;
}

function dot(mark, fill) {
  const drawing = document.createElementNS(SVG, "svg");
  const shape = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 10 10", width: 12, height: 12, "aria-hidden": true })) drawing.setAttribute(key, value);
  for (const [key, value] of Object.entries({ d: shapeOf(mark), fill })) shape.setAttribute(key, value);
  drawing.append(shape);
  return drawing;
}

/** A toggle button for each mark: shows only the pictures that have it. */
export function legend(map, entries, choose) {
  const buttons = entries.map(({ mark, words }) => {
    const button = element("button", { type: "button" }, dot(mark, colourOf(mark, map)), words);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") === "true";
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button && !pressed));
      choose(pressed ? null : mark);
    });
    return button;
  });
  const recolour = () => buttons.forEach((button, index) => button.querySelector("path").setAttribute("fill", colourOf(entries[index].mark, map)));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  const list = map.querySelector(".legend");
  list.replaceChildren(...buttons.map((button) => element("li", {}, button)));
  list.hidden = !buttons.length;
}

/** The thumbnail next to a point. */
export function tip(map, point, [left, top]) {
  const box = map.querySelector(".tip");
  box.hidden = !point;
  if (!point) return;
  const picture = box.querySelector("img");
  if (picture.getAttribute("src") !== thumbnail(point.id)) picture.src = thumbnail(point.id);
  box.querySelector("span").textContent = point.name;
  const ground = box.parentElement;
  box.style.left = `${left + 16 + box.offsetWidth > ground.clientWidth ? left - 16 - box.offsetWidth : left + 16}px`;
  box.style.top = `${Math.max(4, Math.min(top - 40, ground.clientHeight - box.offsetHeight - 4))}px`;
}

/** Links to the points nearest to the centre, updated when the map stops moving. */
export function nearest(map, measured) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const selected = measured.sort((a, b) => a.far - b.far).slice(0, NEAREST);
    map.querySelector(".nearest").replaceChildren(...selected.map(({ point: { id, name } }) => {
      const picture = element("img", { src: thumbnail(id), alt: "", width: 96, height: 96 });
      return element("li", {}, element("a", { href: link(id) }, picture, name));
    }));
  }, PAUSE_MILLISECONDS);
}
