"""Behind reverse proxies: the public path, and what proxies that the settings name say of the original request.

A proxy may take the public path away from what it passes on, or leave it: both work. Headers of anybody else are
removed, so that nothing behind this middleware can rely on them by mistake.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.links import root_path

Network = IPv4Network | IPv6Network

FORWARDED = "forwarded"
FOR, HOST, PROTO = "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"
PORT, PREFIX = "x-forwarded-port", "x-forwarded-prefix"
HEADERS = {name.encode() for name in (FORWARDED, FOR, HOST, PROTO, PORT, PREFIX)}
PLAIN_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
PLAIN_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?")
# One pair of RFC 7239: a token, and a token or a quoted text.
PAIR = re.compile(r'([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]+)')


class Forwarded:
    """ASGI middleware. `path`: the public path without a slash at its end; empty: what a trusted proxy says."""

    def __init__(self, app: ASGIApp, *, path: str, trusted: Sequence[Network]) -> None:
        self._app = app
        self._path = path
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trusted = self._is_trusted(scope["client"][0] if scope.get("client") else "")
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in HEADERS]
        prefix = self._path
        if trusted:
            self._take_over(scope, headers)
            prefix = prefix or _plain_prefix(headers.get(PREFIX, ""))
        if prefix:
            _move(scope, prefix)
        token = root_path.set(prefix)
        try:
            await self._app(scope, receive, send)
        finally:
            root_path.reset(token)

    def _is_trusted(self, address: str) -> bool:
        if not self._trusted:
            return False
        try:
            client = ip_address(address)
        except ValueError:
            return False
        if isinstance(client, IPv6Address) and client.ipv4_mapped:
            client = client.ipv4_mapped
        return any(client in network for network in self._trusted)

    def _take_over(self, scope: Scope, headers: Headers) -> None:
        """Let the request look as it came to the first of the trusted proxies."""
        hops = list(_hops(headers))
        place = len(hops) - 1
        while place > 0 and self._is_trusted(hops[place].get("for", "")):
            place -= 1
        hop = hops[place] if hops else {}
        client = hop.get("for", "")
        if _is_address(client):
            scope["client"] = (client, 0)
        if hop.get("proto") in {"http", "https"}:
            scope["scheme"] = hop["proto"]
        host = hop.get("host", "")
        if PLAIN_HOST.fullmatch(host):
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", host.encode()), *others]


def _hops(headers: Headers) -> Iterator[dict[str, str]]:
    """What each proxy has said, the outermost first: for, host and proto, those that it knew.

    A list that is shorter than that of addresses is of the last proxies, as a proxy may only add the addresses.
    """
    addresses = _list(headers.getlist(FOR))
    hosts, protos = _list(headers.getlist(HOST)), _list(headers.getlist(PROTO))
    ports = _list(headers.getlist(PORT))
    if not addresses and not hosts and not protos:
        for element in _list(headers.getlist(FORWARDED)):
            pairs = {name.lower(): value.strip('"') for name, value in PAIR.findall(element)}
            yield pairs | {"for": _without_port(pairs.get("for", ""))}
        return
    count = max(len(addresses), len(hosts), len(protos))
    for place in range(count):
        host = _at(hosts, place, count)
        if (port := _at(ports, place, count)) and ":" not in host.rpartition("]")[2]:
            host = host if port in {"80", "443"} or not host else f"{host}:{port}"
        yield {
            "for": _without_port(_at(addresses, place, count)),
            "host": host,
            "proto": _at(protos, place, count).lower(),
        }


def _at(values: Sequence[str], place: int, count: int) -> str:
    """The value of one hop; where there is a single value, it is that of all."""
    if len(values) == 1:
        return values[0]
    place -= count - len(values)
    return values[place] if 0 <= place < len(values) else ""


def _list(values: Sequence[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _without_port(text: str) -> str:
    """An address of 192.0.2.1, 192.0.2.1:8080, [2001:db8::1]:8080 or 2001:db8::1."""
    if _is_address(text):
        return text
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _plain_prefix(text: str) -> str:
    """A forwarded prefix that can be put before every link. //host would lead to another site."""
    prefix = text.rstrip("/")
    return prefix if PLAIN_PREFIX.fullmatch(prefix) and not {".", ".."} & set(prefix.split("/")) else ""


def _move(scope: Scope, prefix: str) -> None:
    """Below the prefix, whether or not the proxy has taken it away. Routes match what follows the root path."""
    scope["root_path"] = prefix
    raw: bytes = scope["raw_path"]
    start = prefix.encode()
    if raw != start and not raw.startswith(start + b"/"):
        scope["raw_path"] = start + raw
    scope["path"] = scope["raw_path"].decode("latin-1")
