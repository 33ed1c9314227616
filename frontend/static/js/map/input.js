// Moves the map by pointer, pinch, wheel, keys and buttons.

const [CLICK, STEP] = [4, 60]; // pixels: less is a click; one arrow key step
const KEYS = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };

/** Call `move(right, down)`, `zoom(factor, left, top)`, `showAll()`, `hover(left, top)` and `open(left, top)`. */
export function handleInput(canvas, { move, zoom, showAll, hover, open }) {
  const pointers = new Map(); // pointer id -> position
  let moved = 0;

  const where = ({ clientX, clientY }) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  const spread = () => {
    const [[x0, y0], [x1, y1]] = [...down.values()];
    return { length: Math.hypot(x1 - x0, y1 - y0) || 1, middle: [(x0 + x1) / 2, (y0 + y1) / 2] };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    if (!pointers.size) moved = 0;
    pointers.set(event.pointerId, where(event));
    hover();
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = where(event);
    if (!pointers.has(event.pointerId)) {
      hover(...here);
      return;
    }
    const [x, y] = pointers.get(event.pointerId);
    if (pointers.size === 1) {
      pointers.set(event.pointerId, here);
      moved += Math.hypot(here[0] - x, here[1] - y);
      if (moved < CLICK) return;
      canvas.classList.add("moving");
      move(here[0] - x, here[1] - y);
    } else if (pointers.size === 2) {
      const before = spread();
      pointers.set(event.pointerId, here);
      const after = spread();
      moved = CLICK;
      move(after.middle[0] - before.middle[0], after.middle[1] - before.middle[1]);
      zoom(after.length / before.length, ...after.middle);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (!pointers.delete(event.pointerId)) return;
      canvas.classList.remove("moving");
      if (name === "pointerup" && !pointers.size && moved < CLICK) open(...where(event));
    });
  }
  canvas.addEventListener("pointerleave", () => hover());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-Math.max(-50, Math.min(50, event.deltaY)) / 150), ...where(event));
  }, { passive: false });

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in KEYS) move(...KEYS[event.key]);
    else if (event.key === "+" || event.key === "=") zoom(1.6);
    else if (event.key === "-" || event.key === "−") zoom(1 / 1.6);
    else if (event.key === "0") showAll();
    else return;
    event.preventDefault();
  });
  canvas.parentElement.addEventListener("click", ({ target }) => {
    const factor = Number(target.closest("[data-zoom]")?.dataset.zoom ?? NaN);
    if (factor) zoom(factor);
    else if (factor === 0) showAll();
  });
}
