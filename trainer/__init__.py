"""Pictures to a bundle: sources, encoders, tuning, export, measuring."""
