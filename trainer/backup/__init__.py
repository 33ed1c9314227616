"""Backups of an artifacts folder: catalogue, pictures, vectors and bundles, in a folder that needs nothing else."""
