"""The bundles that are loaded, and what is kept beside them."""
