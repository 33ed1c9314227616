"""What the trainer and the API must agree on: pictures to vectors, vectors to hits, bundles and items."""
