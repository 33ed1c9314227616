"""The stages that train, and what they need."""
