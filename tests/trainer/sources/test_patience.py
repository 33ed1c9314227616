"""Servers in trouble are asked again, politely, and none is waited for without end."""

import socket
import time
from pathlib import Path

import pytest

from tests.trainer.sources.serving import Server
from tests.trainer.sources.shop import PICTURE, ShopHandler
from trainer.sources.fetch import download, web


@pytest.mark.parametrize(("name", "asked"), [("recovers.jpg", 3), ("cut.jpg", 2), ("waits.jpg", 2)])
def test_a_server_in_trouble_is_asked_again(name: str, asked: int, shop: Server, cache: Path) -> None:
    begun = time.monotonic()
    (result,) = download.fetch_all([f"{shop.url}/{name}"], cache).values()
    assert isinstance(result, Path)
    assert result.read_bytes() == PICTURE
    assert len(shop.asked) == asked
    assert time.monotonic() - begun >= (1 if name == "waits.jpg" else 0)  # as Retry-After says


def test_a_server_that_stays_ill_is_given_up(shop: Server, cache: Path) -> None:
    assert list(download.fetch_all([f"{shop.url}/ill.jpg"], cache).values()) == ["the server answered 503"]
    assert len(shop.asked) == 1 + web.RETRIES


def test_nobody_is_waited_for_until_tomorrow(shop: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_RETRY_AFTER_SECONDS", 0.1)
    (result,) = download.fetch_all([f"{shop.url}/sleeps.jpg"], cache).values()
    assert isinstance(result, Path)


@pytest.mark.parametrize("where", ["before an answer", "within an answer"])
def test_a_server_that_falls_silent_is_given_up(
    where: str, shop: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "TIMEOUT_SECONDS", (5, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/1.jpg" if "before" in where else f"{shop.url}/stalls.jpg"
        reason = download.fetch_all([url], cache)[url]
    assert reason in ("it could not be fetched (BrokenOff)", "it could not be fetched (ConnectionError)")


def test_a_server_that_drips_is_given_up(shop: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TOTAL_SECONDS", 0.3)
    assert list(download.fetch_all([f"{shop.url}/drips.jpg"], cache).values()) == ["it could not be fetched (TooSlow)"]


def test_one_host_is_not_asked_for_more_than_a_few_at_a_time(shop: Server, cache: Path) -> None:
    ShopHandler.busiest = 0
    download.fetch_all([f"{shop.url}/counted.jpg?{number}" for number in range(20)], cache)
    assert 1 < ShopHandler.busiest <= download.PER_HOST


def test_a_host_that_stalls_does_not_hold_up_the_others(shop: Server, cache: Path) -> None:
    ShopHandler.released.clear()
    slow = [f"{shop.url}/held.jpg?{number}" for number in range(2 * download.WORKERS)]
    quick = [f"http://localhost:{shop.server_port}/{number}.jpg" for number in range(3 * download.WORKERS)]

    def release(done: int, _of: int) -> None:
        if done == len(quick):
            ShopHandler.released.set()

    arrived = list(download.fetch_all(slow + quick, cache, release))
    assert set(arrived[: len(quick)]) == set(quick)
    assert set(arrived) == {*slow, *quick}
