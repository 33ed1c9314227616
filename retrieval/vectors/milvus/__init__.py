"""Vectors in Milvus, with a ledger of them in the PostgreSQL database that holds the items."""
