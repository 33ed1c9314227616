"""Which methods an address takes, of all the routes that are there for it."""

from starlette.requests import Request
from starlette.routing import Match

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def allowed_at(request: Request) -> str:
    """For the header Allow: a route that says no knows its own methods alone (RFC 9110, section 10.2.1)."""
    routes = request.app.router.routes
    taken = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join(taken)
