"""A shop on this machine to fetch pictures from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainer.sources.serving import Server, serving
from tests.trainer.sources.shop import ShopHandler
from trainer.sources.fetch import web


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(web, "BACKOFF_SECONDS", 0)


@pytest.fixture
def shop() -> Iterator[Server]:
    with serving(ShopHandler) as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "a" / "cache"
