"""What keeps visitors safe: the headers of every answer, and no form of another site.

There is no login and no cookie here. But a page that runs on someone's own machine is reached by every site that this
person looks at; so whatever may change something is refused when the browser says that another site sends it.
"""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request, Response, request
from werkzeug.exceptions import Forbidden

SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "img-src 'self' data: blob:",
            "style-src 'self'",
            "script-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A photograph is taken by the system's own camera, not by this page.
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
HARMLESS_METHODS = {"GET", "HEAD", "OPTIONS"}
UNKNOWN_HOST = (
    "This page is asked for by a name that it does not know. Whoever runs it lists the name in LOOKALIKE_UI_HOSTS, "
    "or it is opened by its address."
)
FOREIGN = "This was sent from another site's page. Open this page itself, and do it there."


def secure(response: Response) -> Response:
    """Add the headers that are not there yet: a report has others; what comes from the API has none of them."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache")
    return response


def refuse_foreign_forms() -> None:
    """Raises Forbidden for what another site makes a browser send, unless it is to be read only."""
    if request.method not in HARMLESS_METHODS and is_foreign(request):
        raise Forbidden(FOREIGN)


def refuse_unknown_hosts(names: Collection[str]) -> None:
    """Raises Forbidden, unless asked by an address, a name that no domain of a stranger's can be, or one of these.

    Against DNS rebinding: a page of evil.example, once that name leads here, is to the browser of this page's origin.
    """
    try:
        name = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    except ValueError:
        name = "."
    if "." in name and not name.endswith(".localhost") and not {name, "*"} & set(names) and not _is_address(name):
        raise Forbidden(UNKNOWN_HOST)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_foreign(sent: Request) -> bool:
    """Whether a browser says that another site's page sends this.

    By Fetch Metadata (W3C), which every browser of today sends and no page can forge; by the Origin in older ones.
    With neither, it is no browser, and nobody is led into anything.
    """
    site = sent.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = sent.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != sent.host
