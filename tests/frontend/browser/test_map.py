"""The map in a real browser, before a fake API: when it does not arrive, and when all points are in one place."""

import re

from playwright.sync_api import Page, expect

from tests.frontend.fake_api import FakeApi, as_json, problem
from tests.frontend.fake_catalogue import IDS
from tests.support.accessibility import violations


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


def test_many_labels_are_told_apart_by_colour_and_shape_and_the_rest_is_named(tab: Page, api: FakeApi) -> None:
    labels = [f"label {number:02}" for number in range(30) for _ in range(31 - number)]
    points = [{"id": f"p{n}", "x": n % 25 / 5, "y": n // 25, "label": label} for n, label in enumerate(labels)]
    points += [{"id": "bare", "x": 0, "y": -1, "label": None}]
    api.replies["GET /map"] = as_json({"points": points, "total": len(points)})
    tab.goto("/browse/map")
    entries = tab.locator(".legend button")
    expect(entries).to_have_count(26)
    assert entries.all_inner_texts()[-3:] == ["label 23", "6 other labels", "no label"]
    marks = entries.locator("path").evaluate_all("(paths) => paths.map((path) => path.outerHTML)")
    assert len(set(marks)) == 26
    assert violations(tab) == []
    ink = """(canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, index) => index % 4 === 3 && value > 127).length;
    }"""
    everything = tab.locator("canvas").evaluate(ink)
    tab.get_by_role("button", name="6 other labels").click()
    tab.wait_for_function(
        f"() => {{ const ink = {ink}; return ink(document.querySelector('canvas')) < {everything}; }}"
    )
    assert 0 < tab.locator("canvas").evaluate(ink) < everything / 2
    expect(tab.locator(".nearest a").first).to_contain_text(re.compile("label 2[4-9]"))
