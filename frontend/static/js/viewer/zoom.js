// Zooms and pans the pictures of a stage together: wheel, two fingers, double click, drag, and keys.

const MAX_SCALE = 12;
const STEP = 1.5;

/** Makes a stage zoomable; returns what buttons and keys do. */
export function zoomable(stage) {
  const pointers = new Map();
  let scale = 1;
  let [x, y] = [0, 0]; // how far the middle is moved, in pixels
  let moved = false;

  function apply() {
    const [wide, high] = [stage.clientWidth, stage.clientHeight].map((side) => (side * (scale - 1)) / 2);
    x = Math.min(wide, Math.max(-wide, x));
    y = Math.min(high, Math.max(-high, y));
    stage.style.setProperty("--scale", scale);
    stage.style.setProperty("--x", `${x}px`);
    stage.style.setProperty("--y", `${y}px`);
    stage.classList.toggle("zoomed", scale > 1);
  }

  /** Zoom so that what is at a point of the stage, from its middle, stays there. */
  function zoom(factor, [left, top] = [0, 0]) {
    const next = Math.min(MAX_SCALE, Math.max(1, scale * factor));
    x = left - (left - x) * (next / scale);
    y = top - (top - y) * (next / scale);
    scale = next;
    apply();
  }

  const reset = () => {
    scale = 1;
    apply();
  };
  const fromMiddle = ({ clientX, clientY }) => {
    const box = stage.getBoundingClientRect();
    return [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), middle: { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 } };
  };

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(STEP ** (-event.deltaY / 200), fromMiddle(event));
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => { if (scale > 1) reset(); else zoom(3, fromMiddle(event)); });
  stage.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
    moved = false;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const old = pointers.size === 2 ? spread() : null;
    pointers.set(event.pointerId, event);
    if (old) zoom(spread().distance / old.distance, fromMiddle(old.middle));
    else if (scale > 1) {
      x += event.clientX - before.clientX;
      y += event.clientY - before.clientY;
      apply();
    }
    moved = true;
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => { pointers.delete(event.pointerId); });
  apply();
  return { zoom, reset, pan: (left, top) => { x += left; y += top; apply(); }, isZoomed: () => scale > 1, wasDragged: () => moved && scale > 1 };
}
