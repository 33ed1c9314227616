"""Vectors in PostgreSQL with pgvector, beside the items or in a database of their own."""
