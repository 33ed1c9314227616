import "./shortcuts.js";

// On every page: the time zone of the browser, kept in a cookie for the server, and the choice of a language.

const { lang, dataset } = document.documentElement;
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();

if (timeZone && !document.cookie.split("; ").includes(`time_zone=${timeZone}`)) {
  document.cookie = `time_zone=${timeZone}; path=${dataset.root}; max-age=31536000; samesite=lax`;
  const words = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[data-moment]")) time.textContent = words.format(new Date(time.dateTime));
}

// A reload keeps what the history of this page holds: the picture that was searched with.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.languages");
  if (!form) return;
  event.preventDefault();
  try {
    await fetch(form.action, { method: "POST", body: new FormData(form, event.submitter), redirect: "manual" });
    location.reload();
  } catch (error) {
    console.error(error);
  }
});
