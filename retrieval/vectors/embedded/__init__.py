"""Vectors in files of the artifacts folder, searched in memory."""
