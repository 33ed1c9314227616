// What the scripts of adding share: elements that they make.

/** An element with these properties and children. Texts are never read as HTML. */
export function element(name, known = {}, ...children) {
  const made = Object.assign(document.createElement(name), known);
  made.append(...children);
  return made;
}
