"""The page behind reverse proxies: its public path, and what trusted proxies say of the original request.

A proxy may strip the public path from what it passes on, or keep it: both work. X-Forwarded-* headers and Forwarded of
anybody else are removed, so that no code behind this middleware can rely on them by mistake.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network

FORWARDED = "HTTP_FORWARDED"
FOR, HOST, PROTO = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"
PORT, PREFIX = "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX"
CONNECTED_HOST = "lookalike.connected_host"
"""In the environment: the Host header as the proxy sent it, before the original one replaced it."""

PLAIN_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
PLAIN_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?")
PAIR = re.compile(r'(for|host|proto)=("[^"]*"|[^\s;,"]+)', re.IGNORECASE)  # of RFC 7239


class BehindProxy:
    """WSGI middleware. `path`: the public path without a slash at its end; empty: what a trusted proxy says."""

    def __init__(self, app: "WSGIApplication", *, path: str, trusted: Sequence[Network]) -> None:
        self._app = app
        self._path = path
        self._trusted = trusted

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        headers = {name: environ.pop(name, "") for name in (FORWARDED, FOR, HOST, PROTO, PORT, PREFIX)}
        prefix = self._path
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            self._take_over(environ, headers)
            prefix = prefix or _plain_prefix(headers[PREFIX])
        path = environ.get("PATH_INFO", "")
        if prefix:
            environ["SCRIPT_NAME"] = prefix
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        return self._app(environ, start_response)

    def _is_trusted(self, address: str) -> bool:
        try:
            client = ip_address(address)
        except ValueError:  # of a Unix socket, or obfuscated
            return False
        if isinstance(client, IPv6Address) and client.ipv4_mapped:
            client = client.ipv4_mapped
        return any(client in network for network in self._trusted)

    def _take_over(self, environ: "WSGIEnvironment", headers: dict[str, str]) -> None:
        """Let host and scheme be those of the request to the outermost trusted proxy."""
        addresses, hosts, protos = (_list(headers[name]) for name in (FOR, HOST, PROTO))
        if not (addresses or hosts or protos):
            addresses, hosts, protos = _standard(headers[FORWARDED])
        hops = 1  # from the innermost proxy outwards
        while hops < len(addresses) and self._is_trusted(addresses[-hops]):
            hops += 1
        host, proto, port = (_at(values, hops) for values in (hosts, protos, _list(headers[PORT])))
        if port.isdigit() and port not in {"80", "443"} and host and ":" not in host.rpartition("]")[2]:
            host = f"{host}:{port}"
        if PLAIN_HOST.fullmatch(host):
            environ[CONNECTED_HOST] = environ.get("HTTP_HOST", "")
            environ["HTTP_HOST"] = host
        if proto in {"http", "https"}:
            environ["wsgi.url_scheme"] = proto


def _standard(header: str) -> tuple[list[str], list[str], list[str]]:
    """Addresses, hosts and protocols of a Forwarded header; an empty text where an element does not say."""
    elements = [{name.lower(): value.strip('"') for name, value in PAIR.findall(each)} for each in _list(header)]
    addresses, hosts, protos = ([each.get(name, "") for each in elements] for name in ("for", "host", "proto"))
    return [address.strip("[]") for address in addresses], hosts, protos


def _at(values: Sequence[str], hops: int) -> str:
    """The value of a hop, counted from the innermost; a shorter list was written by the innermost proxies alone."""
    return values[-min(hops, len(values))] if values else ""


def _list(header: str) -> list[str]:
    return [part.strip() for part in header.split(",") if part.strip()]


def _plain_prefix(text: str) -> str:
    """A forwarded prefix that can be put before every link. //host would lead to another site."""
    prefix = text.strip().rstrip("/")
    return prefix if PLAIN_PREFIX.fullmatch(prefix) and not {".", ".."} & set(prefix.split("/")) else ""
