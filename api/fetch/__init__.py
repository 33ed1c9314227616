"""Pictures fetched from URLs that clients name."""
