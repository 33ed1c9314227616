"""What the API does under bad treatment: malformed input, bombs, more requests than it can answer, slow clients."""
