"""Nothing for other sites: without keys, every page that somebody looks at could make the browser ask here."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request


def is_foreign(request: Request, trusted: Collection[str], own: str | None = None) -> bool:
    """Whether a browser says that another site's page sends this, and none of the trusted origins ("*": all).

    `own`: the origin by which browsers reach this server, where a proxy changes the Host header.

    By Fetch Metadata (W3C), which every browser of today sends and no page can forge; by the Origin in older ones, and
    over plain HTTP from another machine. With neither, it is no browser, and nobody is led into anything.
    """
    origin = request.headers.get("Origin")
    if "*" in trusted or (origin is not None and (origin in trusted or origin == own)):
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    try:
        return origin is not None and urlsplit(origin).netloc != request.headers.get("Host")
    except ValueError:  # it is no origin of ours, whatever it is
        return True


def is_known_host(host: str, names: Collection[str]) -> bool:
    """Whether a Host header is an address, a name that no domain of a stranger's can be, or one of these ("*": any).

    Against DNS rebinding: a page of evil.example, once that name leads here, is to the browser of this server's origin.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return "." not in name or name.endswith(".localhost") or name in names or "*" in names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
