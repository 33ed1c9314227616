"""Many pictures embedded by a published bundle, here or on several hosts, and added to the catalogue."""
