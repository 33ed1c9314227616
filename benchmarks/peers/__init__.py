"""Our vector store beside the libraries that people would use instead, on the same vectors."""
