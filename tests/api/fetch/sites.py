"""A web server on loopback for the fetcher's tests."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from api.errors import Refusal
from api.fetch.addresses import read_endpoint
from api.fetch.client import Fetcher
from tests.support.bundles import picture

PICTURE = picture(1)
LIMIT_BYTES = 100_000


@dataclass
class Site:
    """A web server on loopback, and what it was asked: the Host and the path of each request."""

    port: int
    requests: list[tuple[str, str]] = field(default_factory=list)
    redirected: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def open_site(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.requests.append((self.headers["Host"], self.path))
            what, _, rest = self.path.lstrip("/").partition("/")
            if site.redirected:
                self.send_error(404)
            elif what == "to":
                self.send_response(302)
                self.send_header("Location", unquote(rest))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif what == "drip":
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    while True:
                        self.wfile.write(b"x")
                        time.sleep(0.02)
            elif what == "endless":
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    while True:
                        self.wfile.write(bytes(10_000))
            elif what == "status":
                self.send_error(int(rest))
            else:
                body = b"no picture" if what == "text" else PICTURE
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


Names = dict[str, Sequence[str]]


def fetch(url: str, *allowed: str, names: Names | None = None, **changes: Any) -> bytes:
    """What `url` leads to, where these names are all that are known. Raises Refusal."""

    def resolve(host: str, _port: int) -> Sequence[str]:
        if host not in (names or {}):
            raise socket.gaierror(host)
        return (names or {})[host]

    async def run() -> bytes:
        options: dict[str, Any] = {"resolve": resolve, "seconds": 20, "limit_bytes": LIMIT_BYTES} | changes
        fetcher = Fetcher(allowed=[read_endpoint(text) for text in allowed], **options)
        try:
            return await fetcher.fetch(url)
        finally:
            fetcher.close()

    return asyncio.run(run())


def refused(call: Callable[[], bytes]) -> str:
    with pytest.raises(Refusal) as refusal:
        call()
    return refusal.value.code
