"""Folders ranked against folders, exactly, as CSV files and contact sheets."""
