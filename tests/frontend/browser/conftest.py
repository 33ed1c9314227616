"""Tabs of a real browser on the page, before a fake API."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page

from tests.frontend.fake_api import TALL_PNG, FakeApi
from tests.frontend.fake_catalogue import fill


@pytest.fixture
def tab(browser: Browser, address: str, api: FakeApi, width: int) -> Iterator[Page]:
    """An empty tab, with a catalogue in the API. Script errors, policy violations and too wide pages fail the test."""
    fill(api)
    context = browser.new_context(viewport={"width": width, "height": 850}, base_url=address)
    opened, mistakes = context.new_page(), []
    opened.on("pageerror", lambda error: mistakes.append(str(error)))
    opened.on("console", lambda line: mistakes.append(line.text) if "Security Policy" in line.text else None)
    yield opened
    opened.wait_for_load_state()  # before its styles are there, a page has other widths
    if opened.evaluate("document.documentElement.scrollWidth > innerWidth"):
        mistakes.append(f"{opened.url} is wider than the window")
    context.close()
    assert mistakes == []


def files(*names: str) -> list[FilePayload]:
    """Pictures to select in a form."""
    return [{"name": name, "mimeType": "image/png", "buffer": TALL_PNG} for name in names]
