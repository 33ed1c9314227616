"""Fixtures of the fetcher's tests: a site, and every connection that this process tries to make.

Connections are counted where Python makes them, by its audit events, whatever library is above.
"""

import sys
import threading
from collections.abc import Iterator

import pytest

from tests.api.fetch.sites import Site, open_site

ADDRESSES: list[tuple[str, int]] = []
LISTENING = threading.Event()


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and LISTENING.is_set() and isinstance(arguments[1], tuple):
        ADDRESSES.append(arguments[1][:2])


sys.addaudithook(_audit)  # for good; LISTENING says when


@pytest.fixture
def connected() -> Iterator[list[tuple[str, int]]]:
    """Every address and port that this process tries to connect to."""
    ADDRESSES.clear()
    LISTENING.set()
    yield ADDRESSES
    LISTENING.clear()


@pytest.fixture
def site() -> Iterator[Site]:
    yield from open_site()
