"""Several runs, measured side by side."""
