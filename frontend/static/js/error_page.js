import { gettext } from "./messages.js";

/** What the error page of an answer says is wrong; or that there is no answer. */
export async function reasonOf(answer) {
  if (!answer) return gettext("This page’s server did not answer.");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("main h1, main h1 + p")].map(({ textContent }) => textContent.trim()).join(". ");
}
