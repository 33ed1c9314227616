"""Many connections from one event loop, with requests that are packed once: a load that costs little by itself."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import uvloop

from benchmarks.hardening.requests import BOUNDARY, form

T = TypeVar("T")

HOST = "127.0.0.1"
REFUSED = 503
MAX_UNDER_WAY = 400


@dataclass(slots=True)
class Times:
    """How long answers took, in seconds, by what they were."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    others: int = 0
    """Answers of any other status, and connections that broke."""

    def note(self, status: int, head: bytes, seconds: float) -> None:
        if status == 200:
            self.answered.append(seconds)
        elif status == REFUSED:
            self.refused.append(seconds)
            self.without_retry_after += b"retry-after:" not in head
        else:
            self.others += 1


class Wire(asyncio.Protocol):
    """A connection on which one request after the other is sent."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._came = bytearray()
        self._head_end = self._end = -1
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        if self._end < 0:
            self._head_end = self._came.find(b"\r\n\r\n")
            if self._head_end < 0:
                return
            self._end = self._head_end + 4 + _length(bytes(self._came[: self._head_end]).lower())
        if len(self._came) >= self._end and self._answer is not None and not self._answer.done():
            head = bytes(self._came[: self._head_end]).lower()
            self._answer.set_result((int(head.split(b" ", 2)[1]), head))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or EOFError("the server hung up"))

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """The status and the head, in lower case, of the answer to a request. Raises OSError, EOFError."""
        if self._transport is None or self._transport.is_closing():
            raise EOFError("the server hung up")
        self._came.clear()
        self._end = -1
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run in an event loop that costs little."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def connect(port: int) -> Wire:
    """A connection to a loopback port. Raises OSError."""
    _, wire = await asyncio.get_running_loop().create_connection(Wire, HOST, port)
    return wire


def packed(path: str, data: bytes, **fields: str) -> bytes:
    """A request that sends a picture as a form, with other fields."""
    body = form([*((name, None, text.encode()) for name, text in fields.items()), ("file", "f", data)])
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


async def keep_asking(port: int, requests: list[bytes], times: Times, until: float, number: int) -> None:
    """Send requests in turn until that time of perf_counter(), each as soon as the last is answered."""
    wires: list[Wire] = []
    while time.perf_counter() < until:
        number += 1
        await _ask(port, requests[number % len(requests)], times, wires)
    _close(wires)


async def keep_sending(port: int, requests: list[bytes], times: Times, until: float, rate: float) -> None:
    """Send so many requests a second until that time of perf_counter(), whether or not the others are answered.

    While MAX_UNDER_WAY wait for their answers, none is sent: there are that many clients.
    """
    wires: list[Wire] = []
    under_way: set[asyncio.Task[None]] = set()
    due, number = time.perf_counter(), 0
    while (now := time.perf_counter()) < until:
        await asyncio.sleep(max(0, due - now))
        due += 1 / rate
        if len(under_way) == MAX_UNDER_WAY:
            continue
        number += 1
        task = asyncio.create_task(_ask(port, requests[number % len(requests)], times, wires))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    _close(wires)


async def _ask(port: int, request: bytes, times: Times, idle: list[Wire]) -> None:
    """Send a request on an idle connection, or on a new one, and note the answer."""
    try:
        wire = idle.pop() if idle else await connect(port)
        began = time.perf_counter()
        status, head = await wire.exchange(request)
    except (OSError, EOFError):
        times.others += 1
        return
    times.note(status, head, time.perf_counter() - began)
    if b"connection: close" in head:
        wire.close()
    else:
        idle.append(wire)


def _close(wires: list[Wire]) -> None:
    for wire in wires:
        wire.close()


async def crawl(port: int, stop: asyncio.Event, *, head: bool) -> None:
    """Send a byte each second, of the head of a request or of a body; again where the server hangs up."""
    start = f"POST /search HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
    begun = start.encode() + (b"X-Slow: " if head else b"Content-Length: 1000000\r\n\r\n")
    while not stop.is_set():
        with suppress(OSError):
            _reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(begun)
            while not stop.is_set() and not writer.is_closing():
                writer.write(b"x")
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 1)
            writer.close()


def _length(head: bytes) -> int:
    """The length of the body that an answer announces."""
    line = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return int(line.partition(b":")[2])
