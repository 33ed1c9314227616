"""Many malformed requests, one after the other: no 5xx, no answer that takes long, no memory that stays."""

import statistics
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

import numpy as np
import psutil

from benchmarks.hardening.requests import Request, requests

WARM_UP = 200  # requests after which memory is looked at for the first time
SLOW_SECONDS = 2.0


@dataclass(slots=True)
class Outcome:
    """What became of the requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[tuple[Request, int, bytes]] = field(default_factory=list)
    """Those that were answered with a 5xx, or not at all (status 0)."""
    slow: list[tuple[Request, float]] = field(default_factory=list)
    """Those that took longer than SLOW_SECONDS, and how long."""
    seconds: list[float] = field(default_factory=list)
    refusal_seconds: list[float] = field(default_factory=list)
    """Those of answers with a 4xx."""
    grown_bytes: int = 0
    """How much the process's memory has grown since it was warm."""

    @property
    def refused(self) -> int:
        """How many were answered with a 4xx."""
        return len(self.refusal_seconds)

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} x {status}" for status, count in sorted(self.statuses.items()))
        lines = [
            f"{len(self.seconds):,} requests: {counts}",
            f"{self.refused:,} refused, p99 {1000 * float(np.percentile(self.refusal_seconds or [0.0], 99)):.0f} ms; "
            f"all: median {1000 * statistics.median(self.seconds):.0f} ms, slowest {max(self.seconds):.2f} s, "
            f"{len(self.slow)} over {SLOW_SECONDS:g} s; memory grew by {self.grown_bytes / 2**20:.0f} MiB",
        ]
        lines += [
            f"FAILED {status}: {request.kind} {request.method} {request.path[:80]} {body[:200]!r}"
            for request, status, body in self.failures[:20]
        ]
        lines += [
            f"SLOW {seconds:.1f} s: {request.kind} {request.method} {request.path[:80]}"
            for request, seconds in self.slow[:20]
        ]
        return "\n".join(lines)


def run(port: int, process: psutil.Process, count: int, seed: int = 0) -> Outcome:
    """Send so many malformed requests to the API on a loopback port, which is this process."""
    return send_all(port, process, requests(count, seed), warm_up=min(WARM_UP, count // 2))


def send_all(port: int, process: psutil.Process, requests: Iterable[Request], *, warm_up: int = 1) -> Outcome:
    """Send requests one after the other; memory is looked at after `warm_up` of them, and at the end."""
    outcome = Outcome()
    before = 0
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    for number, request in enumerate(requests):
        if number == warm_up:
            before = process.memory_info().rss
        began = time.perf_counter()
        status, body = send(connection, request)
        seconds = time.perf_counter() - began
        outcome.statuses[status] += 1
        outcome.seconds.append(seconds)
        if 400 <= status < 500:
            outcome.refusal_seconds.append(seconds)
        if seconds > SLOW_SECONDS:
            outcome.slow.append((request, seconds))
        if status >= 500 or status == 0:
            outcome.failures.append((request, status, body))
    connection.close()
    outcome.grown_bytes = process.memory_info().rss - before
    return outcome


def send(connection: HTTPConnection, request: Request) -> tuple[int, bytes]:
    """Status and body; status 0 and the error where there is no answer."""
    try:
        connection.request(request.method, request.path, request.body, request.headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (HTTPException, OSError) as error:
        connection.close()
        return 0, repr(error).encode()
