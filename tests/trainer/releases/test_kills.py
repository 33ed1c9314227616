"""A publisher that is killed: at random moments, and before and after every single file operation."""

import multiprocessing
import shutil
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.marks import kills_of
from tests.trainer.releases.publisher import publish, publish_until
from tests.trainer.releases.shops import ITEMS, NEW, OLD, Shop, catalogued, make_shop, starts_with

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Processes that have imported everything already, so that what is killed is the publishing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.trainer.releases.publisher"])
    return context


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The earlier shop is live, the later one made ready. Not to be changed."""
    return make_shop(tmp_path_factory.mktemp("ready"), published=True)


@pytest.fixture
def fresh(ready: Shop, tmp_path: Path) -> Shop:
    """The same pictures and runs with artifacts of one's own, which `again` puts back."""
    home = tmp_path / "shop"
    shutil.copytree(ready.home, home)
    return Shop(home)


def again(ready: Shop, shop: Shop) -> None:
    shutil.rmtree(shop.artifacts)
    shutil.copytree(ready.artifacts, shop.artifacts)


def timed(server: ForkServerContext, shop: Shop) -> float:
    """Seconds that an undisturbed publisher takes."""
    began = time.monotonic()
    process = started(server, publish, shop.home)
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - began


def started(server: ForkServerContext, target: Callable[..., object], *arguments: Any) -> ForkServerProcess:
    process = server.Process(target=target, args=arguments)
    process.start()
    return process


def killed_after(seconds: float, server: ForkServerContext, ready: Shop, fresh: Shop) -> str:
    """What a start finds after a publisher was killed so long after it began."""
    again(ready, fresh)
    process = started(server, publish, fresh.home)
    process.join(seconds)
    process.kill()
    process.join()
    return starts_with(fresh.artifacts, finished=process.exitcode == 0)


@pytest.mark.parametrize("kills", [20, pytest.param(kills_of(200), marks=pytest.mark.slow, id="many")])
def test_killed_at_random_moments(kills: int, server: ForkServerContext, ready: Shop, fresh: Shop) -> None:
    timed(server, fresh)
    again(ready, fresh)
    seconds, rng = timed(server, fresh), np.random.default_rng(kills)
    moments = (rng.permutation(kills) + rng.uniform(size=kills)) / kills * 1.2 * seconds
    result = [killed_after(moment, server, ready, fresh) for moment in moments]
    for _ in range(kills):  # a machine that has become busy since takes longer than was measured
        if NEW in result:
            break
        seconds *= 1.2
        result.append(killed_after(rng.uniform(0, 1.2 * seconds), server, ready, fresh))
    assert {OLD, NEW} == set(result)  # else the moments were not spread over the whole of it


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_between_any_two_file_operations(step: int, server: ForkServerContext, ready: Shop, fresh: Shop) -> None:
    result, last = [], 0
    while True:
        again(ready, fresh)
        process = started(server, publish_until, fresh.home, last)
        process.join()
        result.append(starts_with(fresh.artifacts, finished=process.exitcode == 0))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        if last % 5 == 0:  # and what is left lying about does not stop the next one
            assert Shop(fresh.home).run(NEW).refused is None
            assert catalogued(fresh.artifacts) == ITEMS[NEW]
        last += step
    assert last > 100
    assert result == sorted(result, key=[OLD, NEW].index)  # once the new one is live, it stays
    assert {OLD, NEW} == set(result)
