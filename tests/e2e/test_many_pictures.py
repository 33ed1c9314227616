"""Many pictures on the real page before the real API: fetched as one scrolls, in the same place after a reload."""

from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenTab, page_over
from tests.support.accessibility import violations
from tests.support.bundles import pieces, write_artifacts
from tests.support.gestures import wait_until

COUNT, HEIGHT = 400, 850  # pictures; of the window, in pixels
TILES = "document.querySelectorAll('.tile').length"


def has_more_than(tab: Page, count: int) -> bool:
    """Whether further pictures have come."""
    return bool(tab.evaluate(TILES) > count)


@pytest.fixture(scope="module")
def large_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page over several screens of pictures."""
    artifacts = tmp_path_factory.mktemp("large")
    write_artifacts(artifacts, pieces(COUNT))
    with page_over(artifacts) as address:
        yield address


def test_pictures_come_as_one_scrolls_and_a_reload_keeps_the_place(open_tab: OpenTab, large_address: str) -> None:
    tab = open_tab(f"{large_address}/browse/", reduced_motion="reduce")
    expect(tab.locator(".tile")).to_have_count(60)
    while tab.evaluate(TILES) < 180:
        before: int = tab.evaluate(TILES)
        tab.evaluate("scrollTo(0, document.body.scrollHeight)")
        wait_until(partial(has_more_than, tab, before))
    ids = tab.locator(".tile").evaluate_all("(tiles) => tiles.map((tile) => tile.dataset.id)")
    assert len(set(ids)) == len(ids)
    tab.evaluate("document.querySelectorAll('.tile')[150].scrollIntoView()")
    tab.wait_for_timeout(300)
    there = tab.evaluate("scrollY")
    shown = tab.evaluate(TILES)
    tab.reload()
    wait_until(lambda: tab.evaluate(TILES) >= shown)
    wait_until(lambda: abs(tab.evaluate("scrollY") - there) < HEIGHT)
    assert violations(tab, ["light"]) == []


def test_pictures_of_today_and_those_without_a_label_are_one_click_away(open_tab: OpenTab, large_address: str) -> None:
    tab = open_tab(f"{large_address}/browse/")
    tab.get_by_role("link", name="No label", exact=True).click()
    expect(tab.locator("#shown")).to_have_text("58 pictures")
    expect(tab.locator(".chips")).to_contain_text("no label")
    assert violations(tab, ["light"]) == []
    tab.get_by_role("link", name="Added today").click()
    expect(tab.locator("#shown")).to_have_text("400 pictures")
    tab.get_by_role("link", name="All", exact=True).click()
    expect(tab.locator(".chips")).to_have_count(0)
