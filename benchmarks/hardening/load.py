"""More requests than can be answered, slow clients, and long runs: what those who behave notice of it.

All of it over plain sockets in one event loop, so that the load costs little of the machine that it measures.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

from benchmarks.hardening.requests import BOUNDARY, form

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HOST = "127.0.0.1"
REFUSED = 503


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
            self.without_retry_after += b"retry-after:" not in head.lower()
        else:
            self.others += 1


@dataclass(frozen=True, slots=True)
class Overload:
    """Searches a second when there are as many as can be answered, and when there are many times as many."""

    capacity: float
    goodput: float
    refusals: float
    refusal_p99_seconds: float
    without_retry_after: int
    others: int

    def __str__(self) -> str:
        return (
            f"capacity {self.capacity:.1f} searches/s; overloaded {self.goodput:.1f}/s "
            f"({self.goodput / self.capacity:.0%}), {self.refusals:.1f} refusals/s, their p99 "
            f"{1000 * self.refusal_p99_seconds:.0f} ms; {self.without_retry_after} without Retry-After; "
            f"{self.others} other answers"
        )


@dataclass(frozen=True, slots=True)
class Soak:
    """A long run: how often all was done, and the process's memory after a quarter of the time and at the end."""

    turns: int
    warm_bytes: int
    end_bytes: int

    def __str__(self) -> str:
        grown = (self.end_bytes - self.warm_bytes) / self.warm_bytes
        return (
            f"{self.turns:,} turns; memory {self.warm_bytes >> 20} MiB, then {self.end_bytes >> 20} MiB ({grown:+.1%})"
        )


def packed(path: str, data: bytes, **fields: str) -> bytes:
    """A request that sends a picture as a form, with other fields."""
    body = form([*((name, None, text.encode()) for name, text in fields.items()), ("file", "f", data)])
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


async def overload(
    port: int, pictures: list[bytes], *, seconds: float, times: float = 10, clients: int = 8
) -> Overload:
    """Measure the capacity with a few clients in a closed loop, then send `times` as many searches a second."""
    searches = [packed("/search", data) for data in pictures]
    calm, busy = Times(), Times()
    began = time.perf_counter()
    until = began + min(seconds, 20)
    await asyncio.gather(*(_client(port, searches, calm, until, number) for number in range(clients)))
    capacity = len(calm.answered) / (time.perf_counter() - began)
    many = 20 * clients
    pause = many / (times * capacity)
    began = time.perf_counter()
    await asyncio.gather(*(_client(port, searches, busy, began + seconds, number, pause) for number in range(many)))
    took = time.perf_counter() - began
    refused = busy.refused or [0.0]
    return Overload(
        capacity,
        len(busy.answered) / took,
        len(busy.refused) / took,
        float(np.percentile(refused, 99)),
        busy.without_retry_after + calm.without_retry_after,
        busy.others + calm.others,
    )


async def slow_sockets(port: int, pictures: list[bytes], *, sockets: int, seconds: float) -> tuple[float, float]:
    """The p99 of searches, in seconds, alone and while so many connections send a byte of a body now and then."""
    searches = [packed("/search", data) for data in pictures]
    alone, beside = Times(), Times()
    await asyncio.gather(*(_client(port, searches, alone, time.perf_counter() + seconds, number) for number in (0, 1)))
    stop = asyncio.Event()
    crawlers = [asyncio.create_task(_crawl(port, stop)) for _ in range(sockets)]
    await asyncio.sleep(1)
    await asyncio.gather(*(_client(port, searches, beside, time.perf_counter() + seconds, number) for number in (0, 1)))
    stop.set()
    await asyncio.gather(*crawlers)
    if alone.others or beside.others:
        raise RuntimeError(f"{alone.others + beside.others} searches were not answered")
    return float(np.percentile(alone.answered, 99)), float(np.percentile(beside.answered, 99))


async def soak(port: int, process: psutil.Process, pictures: list[bytes], *, seconds: float) -> Soak:
    """Searches, additions, lists and deletions in turn, for so long."""
    done, warm = 0, 0
    began = time.perf_counter()
    async with _connected(port) as connection:
        while (past := time.perf_counter() - began) < seconds:
            if not warm and past > seconds / 4:
                warm = process.memory_info().rss
            await _turn(connection, pictures[done % len(pictures)])
            done += 1
    return Soak(done, warm, process.memory_info().rss)


async def _turn(connection: Connection, data: bytes) -> None:
    """Everything once."""
    for request, expected in (
        (packed("/search", data), 200),
        (packed("/items", data, id="soak"), 201),
        (_request("GET", "/items?limit=50&order=-label"), 200),
        (_request("GET", "/facets"), 200),
        (_request("GET", "/item/thumbnail?id=soak"), 200),
        (_request("DELETE", "/item?id=soak"), 204),
    ):
        status, _head = await _exchange(connection, request)
        if status != expected:
            raise RuntimeError(f"a request was answered with {status}: {request[:60]!r}")


def _request(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _client(
    port: int, requests: list[bytes], times: Times, until: float, number: int, pause: float = 0.0
) -> None:
    """Send requests in turn, one each `pause` seconds or as soon as the last is answered; again after a break."""
    due = time.perf_counter() + pause * float(np.random.default_rng(number).random())
    while time.perf_counter() < until:
        try:
            async with _connected(port) as connection:
                while (now := time.perf_counter()) < until:
                    if pause and now < due:
                        await asyncio.sleep(min(due, until) - now)
                        continue
                    due += pause
                    number += 1
                    began = time.perf_counter()
                    status, head = await _exchange(connection, requests[number % len(requests)])
                    times.note(status, head, time.perf_counter() - began)
                    if b"connection: close" in head.lower():
                        break
        except (OSError, EOFError):
            times.others += 1


async def _exchange(connection: Connection, request: bytes) -> tuple[int, bytes]:
    """The status and the head of the answer to a request; its body is read and forgotten."""
    reader, writer = connection
    writer.write(request)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    await reader.readexactly(int(length.partition(b":")[2]))
    return int(head.split(b" ", 2)[1]), head


async def _crawl(port: int, stop: asyncio.Event) -> None:
    """A client that begins to send a picture, and then sends a byte each second."""
    head = f"POST /search HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
    with suppress(OSError):
        async with _connected(port) as (_reader, writer):
            writer.write(head.encode() + b"Content-Length: 1000000\r\n\r\n")
            while not stop.is_set():
                writer.write(b"x")
                await writer.drain()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 1)
