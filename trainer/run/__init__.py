"""A training run from a source to a published bundle."""
