"""Files and archives fetched from the web."""
