// Makes the page quicker to use; without it, forms and links do the same. Each module does one thing, and listens to the
// document alone: what is on the page is replaced again and again.

import { begin } from "./history.js";
import "./asking.js";
import "./ways.js";
import "./filters.js";
import "./part.js";
import "./faces.js";
import "./matches.js";
import "./beside.js";
import "./viewer.js";
import "./why.js";
import "./sheet.js";

begin();
