"""What the vectors look like from afar: clusters, drift, and the map."""
