"""The API under bad treatment: benchmarks/hardening in short, and in numbers where it is slow.

What takes how long is reported by `python -m benchmarks.hardening`, and not asserted here: machines differ.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.hardening import bomb_bodies, load, malformed, wire
from benchmarks.hardening.requests import Request
from tests.conftest import free_port, running
from tests.support.bundles import picture, pieces, write_artifacts

MAX_GROWTH = 256 << 20  # bytes
SLOW = (pytest.mark.slow, pytest.mark.security)
Server = tuple[int, psutil.Process]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The port and the process of an API over sixty pieces."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    write_artifacts(artifacts, pieces(60))
    port = free_port()
    settings = {"artifacts": artifacts, "api_port": port, "fetch_urls": "false", "query_cache_size": 0, "queue": 8}
    with running("api", port, "/readyz", **settings) as process:
        yield port, psutil.Process(process.pid)


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=SLOW)])
def test_malformed_input_is_refused_and_never_a_failure(server: Server, count: int) -> None:
    outcome = malformed.run(*server, count, seed=count)
    assert outcome.failures == [], str(outcome)
    assert outcome.grown_bytes < MAX_GROWTH, str(outcome)
    assert sum(outcome.statuses.values()) == count
    assert {200, 400, 415, 422} <= outcome.statuses.keys()  # it was of many kinds, and some of it was sound


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=SLOW)])
def test_bombs_are_refused_or_unpacked_within_bounds(server: Server, rounds: int) -> None:
    """Requests that are small and unpack to up to 4 * 10**18 pixels, 60 MB of text, or a billion laughs."""
    bombs = bomb_bodies.requests()
    outcome = malformed.send_all(*server, bombs * rounds, warm_up=len(bombs) // 2)
    assert outcome.failures == [], str(outcome)
    assert outcome.grown_bytes < MAX_GROWTH, str(outcome)
    assert outcome.refused >= 50 * rounds
    assert outcome.statuses[200] <= 10 * rounds  # sound pictures with something large around them


@pytest.mark.parametrize("seconds", [1, pytest.param(30, marks=SLOW)])
def test_more_searches_than_can_be_answered_are_refused_with_a_time_to_come_back(
    server: Server, seconds: float
) -> None:
    pictures = [picture(number, width=900, height=700) for number in range(8)]
    outcome = wire.run(load.overload(server[0], pictures, seconds=seconds))
    assert outcome.goodput > 0
    assert outcome.refusals > 0
    assert (outcome.without_retry_after, outcome.others) == (0, 0)


@pytest.mark.parametrize("sockets", [100, pytest.param(500, marks=SLOW)])
def test_slow_clients_keep_nobody_else_waiting(server: Server, sockets: int) -> None:
    """Every search beside them is answered; more of them than there are threads and places in the queue."""
    outcome = wire.run(load.slow_sockets(server[0], [picture(1)], sockets=sockets, seconds=1))
    assert outcome.alone > 0
    assert outcome.beside > 0


@pytest.mark.parametrize("seconds", [2, pytest.param(120, marks=SLOW)])
def test_a_long_run_keeps_no_memory(server: Server, seconds: float) -> None:
    outcome = wire.run(load.soak(*server, [picture(1), picture(2)], seconds=seconds))
    assert outcome.turns >= load.MIN_TURNS
    assert outcome.end_bytes - outcome.warm_bytes < max(16 << 20, outcome.warm_bytes * (0.05 if seconds > 60 else 0.2))


def test_the_tool_finds_what_it_looks_for(server: Server, tmp_path: Path) -> None:
    """A request that fails, and one that is not answered, are reported."""
    lost = Request("not answered", "GET", "/livez")
    outcome = malformed.send_all(free_port(), server[1], [lost, lost])
    assert [status for _, status, _ in outcome.failures] == [0, 0]
    assert "FAILED 0: not answered" in str(outcome)
