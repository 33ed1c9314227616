/** What the error page of an answer says is wrong; `unanswered` where there is no answer. */
export async function reasonOf(answer, unanswered = "This page’s server did not answer.") {
  if (!answer) return unanswered;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("main h1, main h1 + p")].map(({ textContent }) => textContent.trim()).join(". ");
}
