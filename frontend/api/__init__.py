"""Clients of the API, and the shapes of its answers."""
