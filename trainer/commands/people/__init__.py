"""Commands for people: groups of faces, and their names."""
