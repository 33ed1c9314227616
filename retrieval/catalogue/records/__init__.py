"""What people did, so that it can be listed and undone: the bin, changes, judgements, dismissed groups."""
