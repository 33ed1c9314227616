"""What a bundle is worth and what its pictures are like: a page that needs nothing else, CSV files and JSON."""
