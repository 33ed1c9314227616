"""Several APIs that act as one, and what happens to them while they are written to and searched."""
