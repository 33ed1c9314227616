"""Manners of the catalogue's pages: nothing for axe to find, and they fit where they are shown."""

import pytest

from tests.e2e.conftest import OpenTab
from tests.support.accessibility import BOTH, Scheme, violations
from tests.support.marks import IN_MATRIX

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


CASES = [pytest.param(name, ["light"], id=f"{name}, light") for name in ("browse, filtered", "item")]
CASES += [pytest.param(name, BOTH, id=f"{name}, both schemes", marks=IN_MATRIX) for name in PAGES]


@pytest.mark.parametrize(("name", "schemes"), CASES)
def test_axe_finds_nothing(open_tab: OpenTab, catalogue_address: str, name: str, schemes: list[Scheme]) -> None:
    tab = open_tab(catalogue_address + PAGES[name], reduced_motion="reduce")
    tab.wait_for_load_state("networkidle")
    assert violations(tab, schemes) == []


@pytest.mark.parametrize(
    "name", ["browse, filtered", *(pytest.param(name, marks=IN_MATRIX) for name in PAGES if "filtered" not in name)]
)
def test_at_200_percent_everything_is_still_in_the_window(open_tab: OpenTab, catalogue_address: str, name: str) -> None:
    """A browser's zoom halves the window: 640 pixels are left of 1280. On a phone, text can grow as well: 320."""
    tab = open_tab(catalogue_address + PAGES[name], viewport={"width": 320, "height": 500})
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
