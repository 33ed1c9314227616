"""More requests than can be answered, slow clients, and long runs: what those who behave notice of it."""

import asyncio
import time
from dataclasses import dataclass

import numpy as np
import psutil

from benchmarks.hardening.wire import HOST, Times, Wire, connect, crawl, keep_asking, keep_sending, packed

CLIENTS = 8  # with which the capacity is measured
ROUNDS = 4  # of either, in turn, so that what else the machine does falls on both
CALM_SECONDS = 5.0  # of a round, at most
MIN_TURNS = 20  # of a long run


@dataclass(frozen=True, slots=True)
class Overload:
    """Searches a second when there are as many as can be answered, and when there are many times as many."""

    capacity: float
    offered: float
    """Requests a second that were sent in the overload."""
    goodput: float
    answered_p99_seconds: float
    refusals: int
    refusal_p99_seconds: float
    without_retry_after: int
    others: int
    generator: float
    """Cores that sending and measuring took during the overload."""

    def __str__(self) -> str:
        return (
            f"capacity {self.capacity:.1f} searches/s; {self.offered / self.capacity:.1f} times as many offered: "
            f"{self.goodput:.1f}/s answered ({self.goodput / self.capacity:.0%}), p99 "
            f"{self.answered_p99_seconds:.2f} s; {self.refusals:,} refused, p99 "
            f"{1000 * self.refusal_p99_seconds:.0f} ms; {self.without_retry_after} without Retry-After, "
            f"{self.others} other answers; sending them took {self.generator:.2f} cores"
        )


@dataclass(frozen=True, slots=True)
class Slow:
    """The p99 of searches in seconds, alone and beside slow clients."""

    alone: float
    beside: float

    def __str__(self) -> str:
        return (
            f"p99 of searches {1000 * self.alone:.0f} ms alone, {1000 * self.beside:.0f} ms beside slow clients "
            f"({self.beside / self.alone - 1:+.0%})"
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


async def overload(port: int, pictures: list[bytes], *, seconds: float, times: float = 10) -> Overload:
    """Measure the capacity with a few clients that each wait for their answer, then send `times` as many searches.

    `seconds`: of overload, in some rounds. The capacity is measured before each of them, by the same clients.
    """
    searches = [packed("/search", data) for data in pictures]
    calm, busy = Times(), Times()
    calm_took = busy_took = cores = 0.0
    for _round in range(ROUNDS):
        span = min(CALM_SECONDS, seconds / ROUNDS)
        calm_took += await _all(port, searches, calm, span, CLIENTS)
        rate = times * max(1, len(calm.answered)) / calm_took
        before, began = time.process_time(), time.perf_counter()
        await keep_sending(port, searches, busy, began + seconds / ROUNDS, rate)
        busy_took += time.perf_counter() - began
        cores += time.process_time() - before
    return Overload(
        capacity=len(calm.answered) / calm_took,
        offered=(len(busy.answered) + len(busy.refused) + busy.others) / seconds,
        goodput=len(busy.answered) / busy_took,
        answered_p99_seconds=_p99(busy.answered),
        refusals=len(busy.refused),
        refusal_p99_seconds=_p99(busy.refused),
        without_retry_after=busy.without_retry_after + calm.without_retry_after,
        others=busy.others + calm.others,
        generator=cores / busy_took,
    )


async def slow_sockets(port: int, pictures: list[bytes], *, sockets: int, seconds: float) -> Slow:
    """The p99 of searches alone, and while so many connections send a byte of a head or a body now and then."""
    searches = [packed("/search", data) for data in pictures]
    alone, beside = Times(), Times()
    for _round in range(ROUNDS):
        await _all(port, searches, alone, seconds / ROUNDS, 2)
        stop = asyncio.Event()
        crawlers = [asyncio.create_task(crawl(port, stop, head=number % 2 == 0)) for number in range(sockets)]
        await asyncio.sleep(min(1, seconds / ROUNDS))
        await _all(port, searches, beside, seconds / ROUNDS, 2)
        stop.set()
        await asyncio.gather(*crawlers)
    if alone.others or beside.others:
        raise RuntimeError(f"{alone.others + beside.others} searches were not answered")
    return Slow(_p99(alone.answered), _p99(beside.answered))


async def soak(port: int, process: psutil.Process, pictures: list[bytes], *, seconds: float) -> Soak:
    """Searches, additions, lists and deletions in turn, for so long, and MIN_TURNS times at least."""
    done, warm = 0, 0
    began = time.perf_counter()
    wire = await connect(port)
    while (past := time.perf_counter() - began) < seconds or done < MIN_TURNS:
        if not warm and past > seconds / 4 and done >= MIN_TURNS / 4:
            warm = process.memory_info().rss
        await _turn(wire, pictures[done % len(pictures)])
        done += 1
    wire.close()
    return Soak(done, warm, process.memory_info().rss)


async def _all(port: int, searches: list[bytes], times: Times, seconds: float, clients: int) -> float:
    """Let so many clients ask for so long; how long it took, up to the last answer."""
    began = time.perf_counter()
    await asyncio.gather(*(keep_asking(port, searches, times, began + seconds, number) for number in range(clients)))
    return time.perf_counter() - began


async def _turn(wire: Wire, data: bytes) -> None:
    """Everything once."""
    for request, expected in (
        (packed("/search", data), 200),
        (packed("/items", data, id="soak"), 201),
        (_request("GET", "/items?limit=50&order=-label"), 200),
        (_request("GET", "/facets"), 200),
        (_request("GET", "/item/thumbnail?id=soak"), 200),
        (_request("DELETE", "/item?id=soak"), 204),
    ):
        status, _head = await wire.exchange(request)
        if status != expected:
            raise RuntimeError(f"a request was answered with {status}: {request[:60]!r}")


def _request(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def _p99(seconds: list[float]) -> float:
    return float(np.percentile(seconds or [0.0], 99))
