"""The doors to items: reading, changing, deleting, the bin, changes, judgements."""
