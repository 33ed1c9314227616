"""The quality of search apart from that of the model: probes against recall, and the time of a query."""
