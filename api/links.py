"""Links that answers hold: behind a proxy they begin with the path under which this server is reached."""

from contextvars import ContextVar

root_path: ContextVar[str] = ContextVar("root_path", default="")
"""Of the request that is answered, in the event loop and in the pools: empty, or such as /lookalike/api."""


def link(path: str) -> str:
    """The link to a path of this server, such as /items, for whoever sent the request."""
    return root_path.get() + path
