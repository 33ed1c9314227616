"""Manners of the catalogue's pages: nothing for axe to find, and they fit where they are shown."""

import pytest

from tests.e2e.conftest import OpenTab
from tests.e2e.test_accessibility import violations

PAGES = {
    "browse": "/browse/",
    "browse, filtered": "/browse/?label=label-1&least.price=2",
    "browse, nothing": "/browse/?label=nothing",
    "clusters": "/browse/clusters",
    "cluster": "/browse/clusters/1",
    "map": "/browse/map",
    "item": "/items/?id=shelf 1/piece-021&done=saved",
    "add": "/add/",
    "models": "/models/",
    "compare": "/models/compare",
    "compared": "/models/compare?id=shelf 1/piece-021&right_metric=euclidean",
    "no such item": "/items/?id=nothing",
    "no such cluster": "/browse/clusters/999",
}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(open_tab: OpenTab, shelves: str, name: str) -> None:
    tab = open_tab(shelves + PAGES[name], reduced_motion="reduce")
    tab.wait_for_load_state("networkidle")
    assert violations(tab) == []


@pytest.mark.parametrize("name", PAGES)
def test_at_200_percent_everything_is_still_in_the_window(open_tab: OpenTab, shelves: str, name: str) -> None:
    """A browser's zoom halves the window: 640 pixels are left of 1280. On a phone, text can grow as well: 320."""
    tab = open_tab(shelves + PAGES[name], viewport={"width": 320, "height": 500})
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
