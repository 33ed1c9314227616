"""The pages around items: one item, its history, many at once, labels that are in doubt, what is said of matches."""
