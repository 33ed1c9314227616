"""The file formats: what stands around the pixels, and what of it says something of them."""
