// Browsing: further pictures, and what is done with those that are selected.

import "./load_more.js";
import "./label_suggestions.js";
import "./selection.js";
