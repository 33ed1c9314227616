"""What is derived from the items: facts that filters, orders and counts are read from, kept by every write."""
