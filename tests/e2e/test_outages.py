"""The real API is killed, stopped in its tracks and started again while somebody uses the page."""

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import free_port, running, serving
from tests.e2e.conftest import QUERY, OpenTab, choose, settle
from tests.support.bundles import pieces, write_artifacts
from tests.support.marks import with_crashes

HASTY_SECONDS = "2"  # how long the page waits for the API


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("outages")
    write_artifacts(made, pieces(60))
    return made


def running_api(artifacts: Path, port: int) -> AbstractContextManager[Popen[bytes]]:
    return running("api", port, "/readyz", artifacts=artifacts, api_port=port)


@pytest.fixture
def ui(artifacts: Path) -> Iterator[tuple[str, int]]:
    """The page's address, and the port that it looks for the API at."""
    ports = free_port(), free_port()
    settings = {"api_url": f"http://127.0.0.1:{ports[0]}", "ui_port": ports[1], "api_timeout_seconds": HASTY_SECONDS}
    with serving("frontend", ports[1], "/livez", **settings) as address:
        yield address, ports[0]


def expect_kept(tab: Page, words: str) -> None:
    """A page that says what is wrong, with the form still there."""
    expect(tab.locator("main")).to_contain_text(words)
    expect(tab.locator("#file").first).to_be_attached()
    assert "127.0.0.1" not in tab.locator("main").inner_text(), "where the API is, is nobody's business"


@with_crashes
def test_the_api_is_killed_and_comes_back(artifacts: Path, ui: tuple[str, int], open_tab: OpenTab) -> None:
    address, port = ui
    with running_api(artifacts, port) as api:
        tab = open_tab(address)
        choose(tab)
        api.kill()
    tab.locator(".hits a.frame").first.click()
    expect_kept(tab, "not running")
    tab.set_input_files("#file", {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": QUERY})
    expect_kept(tab, "not running")
    with running_api(artifacts, port):
        choose(tab)
        expect(tab.locator(".hits > .tile").first).to_be_visible()


@with_crashes
def test_the_api_hangs_and_goes_on(artifacts: Path, ui: tuple[str, int], open_tab: OpenTab) -> None:
    address, port = ui
    with running_api(artifacts, port) as api:
        tab = open_tab(address)
        choose(tab)
        api.send_signal(signal.SIGSTOP)
        try:
            tab.locator(".hits a.frame").first.click()
            expect_kept(tab, "takes too long")
        finally:
            api.send_signal(signal.SIGCONT)
        tab.reload()
        settle(tab)
        expect(tab.locator(".hits > .tile").first).to_be_visible()
