"""Requests and answers of searches and comparisons."""
