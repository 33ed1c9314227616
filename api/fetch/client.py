"""The one fetcher of query URLs. It connects only to the very address that it has checked.

A URL comes from anybody, and this server may stand where it reaches what others must not: metadata of its cloud, the
router, its own database. So a name is resolved once for each connection, every address that comes of it must be a
public one (addresses.py), and the connection is made to that address and not to the name; for each redirect anew.
No proxy of the environment is asked, no cookie is kept, no connection is used twice.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpcore2

from api.errors import Refusal
from api.fetch.addresses import AT_ONCE, PORTS, Address, Endpoint, is_public
from api.fetch.shares import Shares
from api.fetch.urls import joined, parse

HOPS = 5  # redirects
RESOLVERS = 8  # threads that wait for names
CONNECT_SECONDS = 3.0  # to one address of several
REDIRECTS = (301, 302, 303, 307, 308)
HEADERS = [("User-Agent", "Lookalike"), ("Accept", "image/*"), ("Accept-Encoding", "identity")]

OFF = "url: this server fetches none; send the picture itself."
NO_PORT = "url: only the ports 80 and 443 are fetched from."
NOT_PUBLIC = "url: it leads to an address that is not public; send the picture itself."
TOO_LARGE = "url: what it leads to is larger than {limit:,} bytes; send a smaller picture."
UNRESOLVED = "url: its host is not known; see that it is spelt rightly."
TOO_MANY_HOPS = f"url: it is redirected more than {HOPS} times; send the URL that it leads to."
UNREACHED = "url: its host cannot be reached, or not safely; send the picture itself."
ANSWERED = "url: its server answered with the status {status}."

Resolve = Callable[[str, int], Iterable[str]]
"""The addresses of a name, for a port; blocking. Raises OSError."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, best first, as this machine is told."""
    return [str(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Downloads:
    """What URLs led to: bytes, or why there are none."""

    results: Mapping[str, bytes | Refusal] = field(default_factory=dict)

    def __getitem__(self, url: str) -> bytes:
        """Raises Refusal."""
        data = self.results[url]
        if isinstance(data, Refusal):
            raise data
        return data


NOTHING = Downloads()


class Fetcher:
    """Fetches pictures by URL, within bounds of time and bytes, from public addresses and those that are `allowed`.

    `share`: how many URLs of one client are under way at once, so that slow ones leave places to the others.
    `resolve` and `ssl_context` are what the system has, unless a test brings others.
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        seconds: float,
        limit_bytes: int,
        allowed: Sequence[Endpoint] = (),
        share: int = AT_ONCE,
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._enabled = enabled
        self._seconds = seconds
        self._limit_bytes = limit_bytes
        self._allowed = frozenset(allowed)
        self._shares = Shares(places=AT_ONCE, share=share)
        self._backend = CheckedBackend(self._allowed, resolve)
        self._ssl_context = ssl_context or httpcore2.default_ssl_context()

    async def fetch(self, url: str) -> bytes:
        """What is at a URL. Raises Refusal: url_refused, url_failed, url_timeout."""
        return (await self.fetch_all([url]))[url]

    async def fetch_all(self, urls: Iterable[str], *, client: str = "", each_alone: bool = False) -> Downloads:
        """What is at each of the URLs of one request of a client, or why nothing is.

        They share the bounds of time and bytes, unless each has bytes of its own (`each_alone`).
        """
        unique_urls = list(dict.fromkeys(urls))
        if not unique_urls:
            return NOTHING
        shared = Budget(self._limit_bytes)
        until = asyncio.get_running_loop().time() + self._seconds
        budgets = [Budget(self._limit_bytes) if each_alone else shared for _ in unique_urls]
        pairs = zip(unique_urls, budgets, strict=True)
        results = await asyncio.gather(*(self._outcome(url, budget, until, client) for url, budget in pairs))
        return Downloads(dict(zip(unique_urls, results, strict=True)))

    def close(self) -> None:
        """Wait for nothing."""
        self._backend.close()

    async def _outcome(self, url: str, budget: "Budget", until: float, client: str) -> bytes | Refusal:
        try:
            if not self._enabled:
                raise Refusal("url_refused", OFF)
            async with asyncio.timeout_at(until), self._shares.place(client):
                return await self._follow(url, budget)
        except Refusal as refusal:
            return refusal
        except (TimeoutError, httpcore2.TimeoutException):
            return Refusal("url_timeout")
        except (OSError, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol):
            return Refusal("url_failed", UNREACHED)

    async def _follow(self, url: str, budget: "Budget") -> bytes:
        for _ in range(HOPS + 1):
            target = self._target(url)
            # A pool of its own for each: nothing is left open, and nothing is shared between clients.
            async with (
                httpcore2.AsyncConnectionPool(
                    ssl_context=self._ssl_context, network_backend=self._backend, max_keepalive_connections=0
                ) as pool,
                pool.stream("GET", target, headers=HEADERS) as answer,
            ):
                headers = {name.lower(): value for name, value in answer.headers}
                if answer.status in REDIRECTS and b"location" in headers:
                    url = joined(url, headers[b"location"])
                    continue
                if answer.status != 200:
                    raise Refusal("url_failed", ANSWERED.format(status=answer.status))
                return await budget.read(answer)
        raise Refusal("url_failed", TOO_MANY_HOPS)

    def _target(self, url: str) -> httpcore2.URL:
        """The URL taken apart, once: what is checked here is what is asked for."""
        target = parse(url)
        if target.port not in PORTS and all(target.port != port for _, port in self._allowed):
            raise Refusal("url_refused", NO_PORT)
        return target


@dataclass(slots=True)
class Budget:
    """How many bytes the URLs of one request may still bring."""

    limit_bytes: int
    spent: int = 0

    async def read(self, answer: httpcore2.Response) -> bytes:
        """The whole body. Raises Refusal as soon as it is too large."""
        data = bytearray()
        async for piece in answer.aiter_stream():
            self.spent += len(piece)
            if self.spent > self.limit_bytes:
                raise Refusal("url_refused", TOO_LARGE.format(limit=self.limit_bytes))
            data += piece
        return bytes(data)


@dataclass(frozen=True, slots=True)
class ClientFetcher:
    """The fetcher, for the requests of one client."""

    fetcher: Fetcher
    client: str

    async def fetch_all(self, urls: Iterable[str], *, each_alone: bool = False) -> Downloads:
        """As `Fetcher.fetch_all`."""
        return await self.fetcher.fetch_all(urls, client=self.client, each_alone=each_alone)


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Where connections begin: resolves, checks, and connects to what was checked."""

    def __init__(self, allowed: frozenset[Endpoint], resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        # Not the event loop's own threads: a name server that is silent would hold up all who need those.
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolve")
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises Refusal (url_refused) before any connection, if one of the host's addresses is not to be asked."""
        addresses = await self._addresses(host, port)
        if not all(self._may_ask(address, port) for address in addresses):
            raise Refusal("url_refused", NOT_PUBLIC)
        for address in addresses[:-1]:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):  # the next address may answer
                return await self._plain.connect_tcp(str(address), port, CONNECT_SECONDS, local_address, socket_options)
        return await self._plain.connect_tcp(str(addresses[-1]), port, timeout, local_address, socket_options)

    def close(self) -> None:
        """Wait for nothing."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _may_ask(self, address: Address, port: int) -> bool:
        return (address, port) in self._allowed or (port in PORTS and is_public(address))

    async def _addresses(self, host: str, port: int) -> list[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        try:
            texts = await asyncio.wrap_future(self._threads.submit(self._resolve, host, port))
            addresses = [ip_address(text) for text in dict.fromkeys(texts)]
        except (OSError, ValueError) as error:  # ValueError: what no address is, some resolvers say
            raise Refusal("url_failed", UNRESOLVED) from error
        if not addresses:
            raise Refusal("url_failed", UNRESOLVED)
        return addresses
