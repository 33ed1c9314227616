"""One file for each version of the tables, oldest first. A file is never changed once it was released."""
