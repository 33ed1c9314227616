"""The map in a real browser, before a fake API: when it does not arrive, and when all points are in one place."""

from playwright.sync_api import Page, expect

from tests.accessibility import violations
from tests.frontend.fake_api import FakeApi, as_json, problem
from tests.frontend.fake_catalogue import IDS


def test_a_map_that_does_not_come_says_so(tab: Page, api: FakeApi) -> None:
    api.replies["GET /map"] = problem(503, code="overloaded")
    tab.goto("/browse/map")
    expect(tab.locator("#map-status")).to_contain_text("could not be fetched")
    assert violations(tab) == []
    api.replies["GET /map"] = as_json({"points": [], "total": 0})
    tab.reload()
    expect(tab.locator("#map-status")).to_contain_text("the catalogue is empty")


def test_all_points_in_one_place_can_be_looked_at(tab: Page, api: FakeApi) -> None:
    points = [{"id": name, "x": 0.5, "y": 0.5, "label": None} for name in IDS]
    api.replies["GET /map"] = as_json({"points": points, "total": 3})
    tab.goto("/browse/map")
    expect(tab.locator(".nearest a")).to_have_count(3)
    tab.locator("canvas").press("+")
    expect(tab.locator("#map-status")).to_have_text("3 pictures")
