"""Pictures, features and splits: what training reads."""
