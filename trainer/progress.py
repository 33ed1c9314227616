"""How long work tells its listener how far it has come."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the number of pictures, epochs or files done, and of all of them."""
