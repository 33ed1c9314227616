"""Which bundle is live: publish, roll back, list, prune."""
