"""The real page before the real API over a really trained shop, in a real browser, on a phone and on a desk."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Trained, free_port, serving
from tests.support.marks import in_matrix


@pytest.fixture(scope="module")
def page_address(api_address: str) -> Iterator[str]:
    """The address of the page."""
    port = free_port()
    with serving("frontend", port, "/readyz", api_url=api_address, ui_port=port) as address:
        yield address


@pytest.fixture
def tab(browser: Browser, width: int) -> Iterator[Page]:
    """A browser tab that fails the test when the page's script stumbles, or its policy forbids something."""
    context = browser.new_context(viewport={"width": width, "height": 850})
    opened, stumbles = context.new_page(), []
    opened.on("pageerror", lambda error: stumbles.append(str(error)))
    opened.on("console", lambda line: stumbles.append(line.text) if "Security Policy" in line.text else None)
    yield opened
    context.close()
    assert stumbles == []


@pytest.fixture
def query(trained: Trained) -> dict[str, str]:
    """A photograph of the shop, and what is known of it."""
    return next(csv.DictReader(trained.table.read_text().splitlines()))


def test_from_a_picture_to_its_piece_and_on_to_another(
    tab: Page, page_address: str, trained: Trained, query: dict[str, str]
) -> None:
    tab.goto(page_address)
    expect(tab.get_by_text("96 pictures")).to_be_visible()
    tab.set_input_files("#file", trained.pictures / query["path"])
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    how = tab.get_by_text(re.compile(r"exact\s+·\s+opened \d+ of 39 clusters"))
    expect(how).to_be_attached()
    labels = tab.locator(".hits .label").all_inner_texts()
    assert labels[0] == query["label"]
    assert labels[:8].count(query["label"]) >= 6
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")

    other = next(label for label in labels if label != query["label"])
    tab.locator(".tile", has_text=other).first.locator("a.frame").click()
    expect(tab.get_by_role("heading", name=other, level=1)).to_be_visible()
    assert "id=" in tab.url
    assert tab.locator(".hits .label").first.inner_text() == other
    tab.go_back()
    expect(tab.get_by_role("heading", name="Your picture")).to_be_visible()


@in_matrix
def test_every_picture_on_the_page_arrives(tab: Page, page_address: str) -> None:
    tab.goto(page_address)
    tab.locator(".wall a").first.click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    for image in tab.locator("img:not(.query-thumbnail > img)").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("image => image.naturalWidth") > 0


@in_matrix
def test_without_javascript(
    browser: Browser, page_address: str, trained: Trained, query: dict[str, str], width: int
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 850})
    tab = context.new_page()
    tab.goto(page_address)
    tab.set_input_files("#file", trained.pictures / query["path"])
    tab.locator("form.search > button").click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    assert tab.locator(".hits .label").first.inner_text() == query["label"]
    tab.locator(".hits a.frame").nth(3).click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    assert "id=" in tab.url
    context.close()


@in_matrix
def test_a_file_that_is_no_picture(tab: Page, page_address: str, tmp_path: Path) -> None:
    note = tmp_path / "note.jpg"
    note.write_text("no picture")
    tab.goto(page_address)
    tab.set_input_files("#file", note)
    expect(tab.get_by_role("heading", level=1)).not_to_have_text("Search with a picture.")
    expect(tab.get_by_text("not a picture", exact=False).first).to_be_visible()


def test_before_anything_is_published_the_page_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    api_port, ui_port = free_port(), free_port()
    with (
        serving("api", api_port, "/livez", artifacts=tmp_path, api_port=api_port) as api,
        serving("frontend", ui_port, "/livez", api_url=api, ui_port=ui_port) as address,
    ):
        tab = browser.new_page()
        answer = tab.goto(address)
        assert answer is not None
        assert answer.status == 503
        expect(tab.get_by_text("make demo").first).to_be_visible()
        tab.close()
