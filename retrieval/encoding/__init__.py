"""From a picture to its vector: the encoder's graph, the projection, and both as one embedder."""
