"""GET /duplicates: a search in the background, and what is shown of what it found."""
