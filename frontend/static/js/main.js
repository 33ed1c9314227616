// Makes the page quicker; without it, forms and links do the same. Modules listen to the document only, because the
// content of the page is replaced by each search.

import { start } from "./history.js";
import "./search.js";
import "./drop_paste.js";
import "./filters.js";
import "./crop.js";
import "./faces.js";
import "./matches.js";
import "./query_thumbnail.js";
import "./words.js";
import "./label_suggestions.js";
import "./selection.js";
import "./feedback.js";
import "./viewer.js";
import "./explanation.js";
import "./contact_sheet.js";

// Pictures below the window are loaded as one scrolls there; paper has them all.
addEventListener("beforeprint", () => {
  for (const image of document.querySelectorAll("img[loading=lazy]")) image.loading = "eager";
});

start();
