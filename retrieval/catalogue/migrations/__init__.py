"""The migrations of the catalogue's tables, which Alembic runs: see retrieval/catalogue/schema.py."""
