"""What engines share that keep the state of the clusters in PostgreSQL: pgvector, and Milvus beside it."""
