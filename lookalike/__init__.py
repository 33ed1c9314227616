"""The command `lookalike`: the trainer's commands, the API, the page and the demo under one name."""

__version__ = "0.2.0"
