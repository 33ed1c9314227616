"""Asking: what a search may say, and the way from there to its hits."""
