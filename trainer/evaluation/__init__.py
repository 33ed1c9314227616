"""Measures of a bundle on pictures that it was not trained on."""
