"""The pages around a search: results, filters, faces of a picture, explanation, export."""
