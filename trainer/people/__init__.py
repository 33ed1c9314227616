"""People: groups of faces that nobody has named, and the name that a group gets."""
