// What the scripts of adding share: elements that they make, and the words of an error page.

/** An element with these properties and children. Texts are never read as HTML. */
export function element(name, known = {}, ...children) {
  const made = Object.assign(document.createElement(name), known);
  made.append(...children);
  return made;
}

/** What the error page of an answer says is wrong. */
export async function reasonOf(answer) {
  if (!answer) return "This page’s server did not answer.";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("main h1, main h1 + p")].map(({ textContent }) => textContent.trim()).join(". ");
}
