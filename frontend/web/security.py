"""Security of the page: response headers, no forms of other sites, known host names only.

There is no login, and cookies keep nothing but the language and the time zone. But a page that runs on someone's own
machine can be reached by every site that this person opens, so a request that may change something is refused when the
browser says that another site sends it.
"""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request, Response, request
from werkzeug.exceptions import Forbidden

from frontend.languages.texts import N_, gettext
from frontend.web.proxy import CONNECTED_HOST

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
    # Photographs are taken by the camera app of the system, not by this page.
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
UNKNOWN_HOST_MESSAGE = N_(
    "The page is opened under the host name “%(name)s”, which is not in its settings. Whoever runs the page adds it to "
    "LOOKALIKE_UI_HOSTS, or sets LOOKALIKE_PUBLIC_URL to the address that people open. The IP address works as well."
)
CROSS_SITE_MESSAGE = N_(
    "This form was sent from another site (%(origin)s) than the page itself (%(host)s). Open the page and do it there. "
    "If both are the page behind a proxy, whoever runs it sets LOOKALIKE_PUBLIC_URL to the address in the browser, or "
    "lets the proxy pass the Host header on with its port."
)


def add_security_headers(response: Response) -> Response:
    """Add the headers that the response does not have yet: reports have their own."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache")
    return response


def refuse_cross_site_requests(public_url: str | None) -> None:
    """Raises Forbidden for a request of another site, unless it only reads."""
    if request.method not in SAFE_METHODS and is_cross_site(request, public_url):
        origin = request.headers.get("Origin", gettext("its address is unknown"))
        raise Forbidden(gettext(CROSS_SITE_MESSAGE, origin=origin, host=request.host))


def refuse_unknown_hosts(names: Collection[str]) -> None:
    """Raises Forbidden unless the Host is an IP address, a name without a dot, or one of these names; "*" is any name.

    Against DNS rebinding: once evil.example leads to this server, browsers take its pages for pages of this server.
    Health checks are exempt: they change nothing and show nothing.
    """
    if request.blueprint == "health" or "*" in names:
        return
    for host in {request.headers.get("Host", ""), request.environ.get(CONNECTED_HOST, "")}:
        name = _host_name(host)
        if "." in name and not name.endswith(".localhost") and name not in names and not _is_address(name):
            raise Forbidden(gettext(UNKNOWN_HOST_MESSAGE, name=name))


def is_cross_site(incoming: Request, public_url: str | None) -> bool:
    """Whether a browser says that another site sends this request.

    By Fetch Metadata (W3C), which no page can forge; browsers send it over https and to localhost. Else by the Origin.
    A request with neither does not come from a page in a browser.
    """
    site = incoming.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = incoming.headers.get("Origin")
    if origin is None:
        return False
    return _authority(origin) not in {incoming.host, _authority(public_url or "")} - {""}


def _authority(url: str) -> str:
    """Host and port of a URL as the Host header has them; empty if there are none."""
    try:
        parts = urlsplit(url)
        is_default = parts.port in {None, {"http": 80, "https": 443}.get(parts.scheme)}
    except ValueError:
        return ""
    return parts.netloc.rpartition(":")[0] if is_default and parts.port else parts.netloc


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return "not.a.host"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
