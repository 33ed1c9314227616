"""The real page before the real API over small real bundles, in a real browser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.conftest import free_port, serving
from tests.e2e.shop import NEW, OLD, PIECES
from tests.support.bundles import Piece, face_stage, picture, pieces, portrait, some_calibration, write_artifacts

OpenTab = Callable[..., Page]

QUERY = picture(7, width=480, height=360)
"""The picture of the shop's piece 7, larger."""
QUERY_ID = "shelf 2/piece-007"


@contextmanager
def page_over(artifacts: Path) -> Iterator[str]:
    """The address of a page before an API of its own."""
    api_port, ui_port = free_port(), free_port()
    with (
        serving("api", api_port, "/readyz", artifacts=artifacts, api_port=api_port) as api,
        serving("frontend", ui_port, "/readyz", api_url=api, ui_port=ui_port) as address,
    ):
        yield address


@pytest.fixture(scope="session")
def shop_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page over sixty pieces with labels and attributes, whose bundle is calibrated."""
    artifacts = tmp_path_factory.mktemp("shop")
    write_artifacts(artifacts, pieces(60), calibration=some_calibration())
    with page_over(artifacts) as address:
        yield address


@pytest.fixture(scope="session")
def people_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page over pictures of faces, whose bundle compares the faces alone."""
    artifacts = tmp_path_factory.mktemp("people")
    write_artifacts(artifacts, [Piece(f"person-{n}", portrait(n), None, {}) for n in range(12)], faces=face_stage())
    with page_over(artifacts) as address:
        yield address


@pytest.fixture(scope="module")
def catalogue_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page over a shop of its own that tests may change, with two models loaded."""
    artifacts = tmp_path_factory.mktemp("catalogue")
    write_artifacts(artifacts, pieces(PIECES), bundle_id=NEW, seed=8, publish=False)
    write_artifacts(artifacts, pieces(PIECES), bundle_id=OLD)
    api_port, ui_port = free_port(), free_port()
    with (
        serving("api", api_port, "/readyz", artifacts=artifacts, api_port=api_port, bundles="all") as api,
        serving("frontend", ui_port, "/readyz", api_url=api, ui_port=ui_port) as address,
    ):
        yield address


@pytest.fixture
def open_tab(browser: Browser, width: int) -> Iterator[OpenTab]:
    """Opens tabs. A script that stumbles, what the policy forbids, or a page wider than its window fails the test."""
    contexts: list[BrowserContext] = []
    stumbles: list[str] = []

    def opened(address: str = "about:blank", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": width, "height": 850}} | options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: stumbles.append(str(error)))
        tab.on("console", lambda line: stumbles.append(line.text) if "Security Policy" in line.text else None)
        tab.goto(address)
        return tab

    yield opened
    for context in contexts:
        for tab in context.pages:
            tab.wait_for_load_state()  # before its styles are there, a page has other widths
            if tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
                stumbles.append(f"{tab.url} is too wide")
        context.close()
    assert stumbles == []


@pytest.fixture
def tab(open_tab: OpenTab, shop_address: str) -> Page:
    """The shop's start page."""
    return open_tab(shop_address)


def choose(tab: Page, data: bytes = QUERY) -> None:
    """Search with a picture of one's own, and wait for the matches."""
    tab.locator("#file").first.set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": data})
    settle(tab)


def settle(tab: Page) -> None:
    """Wait until the matches are there."""
    expect(tab.locator("main.results:not([aria-busy])")).to_be_visible()


def ids(tab: Page) -> list[str]:
    """Of the matches shown, best first."""
    return tab.locator(".hits > .tile").evaluate_all("(tiles) => tiles.map((tile) => tile.dataset.id)")


def ask(address: str, **fields: Any) -> list[str]:
    """The matches of a search link, as they are saved."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{address}/search/matches.json", params=fields)
    answer.raise_for_status()
    return [hit["id"] for hit in answer.json()["hits"]]
