"""HTTP: bodies, headers and the layers around every request."""
