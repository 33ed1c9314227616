"""Fixtures of the fetcher's tests."""

from collections.abc import Iterator

import pytest

from tests.api.fetch.sites import CONNECTED, LISTENING, Site, open_site


@pytest.fixture
def connected() -> Iterator[list[tuple[str, int]]]:
    """Every address and port that this process tries to connect to."""
    CONNECTED.clear()
    LISTENING.set()
    yield CONNECTED
    LISTENING.clear()


@pytest.fixture
def site() -> Iterator[Site]:
    yield from open_site()
