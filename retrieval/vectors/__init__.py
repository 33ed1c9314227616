"""Vector stores: where vectors live and are searched."""
