"""The page behind a reverse proxy: its public path, and what trusted proxies say of the original request.

A proxy may strip the public path from what it passes on, or keep it: both work. X-Forwarded-* headers of anybody else
are removed, so that no code behind this middleware can rely on them by mistake.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network

FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
)


class BehindProxy:
    """WSGI middleware. `path`: the public path without a slash at its end, or empty."""

    def __init__(self, app: "WSGIApplication", *, path: str, trusted: Sequence[Network]) -> None:
        self._app = app
        self._path = path
        self._trusted = trusted
        self._fixed = ProxyFix(self._with_path, x_for=1, x_proto=1, x_host=1, x_port=1, x_prefix=1)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            return self._fixed(environ, start_response)
        for name in FORWARDED:
            environ.pop(name, None)
        return self._with_path(environ, start_response)

    def _is_trusted(self, address: str) -> bool:
        try:
            client = ip_address(address)
        except ValueError:  # a Unix socket has none
            return False
        if isinstance(client, IPv6Address) and client.ipv4_mapped:
            client = client.ipv4_mapped
        return any(client in network for network in self._trusted)

    def _with_path(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        prefix = self._path or _clean_prefix(environ.get("SCRIPT_NAME", ""))
        environ["SCRIPT_NAME"] = prefix
        path = environ.get("PATH_INFO", "")
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        return self._app(environ, start_response)


def _clean_prefix(prefix: str) -> str:
    """A forwarded prefix that can be put before every link. //host would lead to another site."""
    segments = [segment for segment in prefix.split("/") if segment]
    plain = prefix.isascii() and prefix.isprintable() and not set(prefix) & set("\\?#\"'<> ")
    return "".join(f"/{segment}" for segment in segments) if plain and not {".", ".."} & set(segments) else ""
