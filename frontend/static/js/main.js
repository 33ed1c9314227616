// Makes the page quicker to use; without it, forms and links do the same. Each module does one thing, and listens to the
// document alone: what is on the page is replaced again and again.

import { begin } from "./history.js";
import "./search.js";
import "./drop_paste.js";
import "./filters.js";
import "./crop.js";
import "./faces.js";
import "./matches.js";
import "./query_thumbnail.js";
import "./viewer.js";
import "./explanation.js";
import "./contact_sheet.js";

begin();
