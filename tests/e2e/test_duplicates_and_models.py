"""Which duplicates to keep and which model to use, on the real page before the real API, on a phone and on a desk."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.e2e.conftest import OpenTab, page_over
from tests.e2e.shop import NEW, OLD, fresh, status
from tests.support.accessibility import violations
from tests.support.bundles import Piece, picture, pieces, some_calibration, write_artifacts
from tests.support.gestures import wait_until
from tests.support.marks import in_matrix


@pytest.fixture
def duplicates_address(tmp_path: Path) -> Iterator[str]:
    """A page over twenty pieces, of which two are there as copies, and one in a larger version."""
    copies = [Piece(f"copy of {n}", picture(n), None, {}) for n in (3, 4)]
    larger = Piece("larger 5", picture(5, width=480, height=352, format_="PNG"), None, {})
    write_artifacts(tmp_path, [*pieces(20), *copies, larger], calibration=some_calibration())
    with page_over(tmp_path) as address:
        yield address


def test_duplicates_are_found_deleted_and_dismissed(open_tab: OpenTab, duplicates_address: str) -> None:
    tab = open_tab(f"{duplicates_address}/duplicates/")
    expect(tab.get_by_role("heading", name="2 groups")).to_be_visible()
    tab.locator("[data-group]", has_text="copy of 4").get_by_role("button", name="Not duplicates").click()
    expect(tab.locator("[data-group]")).to_have_count(1)
    gone = tab.locator("[data-group] input:checked").input_value()
    assert gone in {"copy of 3", "shelf 3/piece-003"}
    tab.get_by_role("button", name="Delete 1 selected picture").click()
    tab.get_by_role("button", name="Delete now").click()
    expect(tab.get_by_text("1 picture is in the bin.")).to_be_visible()
    tab.get_by_role("link", name=re.compile("^Same picture")).click()
    expect(tab.locator(".keep")).to_contain_text("the most pixels")
    expect(tab.locator("[data-group] li", has=tab.locator(".keep"))).to_contain_text("larger 5")
    item_page = requests.Request("GET", f"{duplicates_address}/items/", params={"id": gone}).prepare().url or ""
    wait_until(lambda: status(item_page) == 404)

    tab.goto(f"{duplicates_address}/duplicates/")
    tab.get_by_role("button", name="Search again").click()
    expect(tab.get_by_role("heading", name="There are no duplicates")).to_be_visible()
    tab.get_by_role("link", name="Dismissed groups").click()
    assert violations(tab, ["light"]) == []
    tab.get_by_role("button", name="Report again").click()
    expect(tab.get_by_text("No group is dismissed.")).to_be_visible()
    tab.get_by_role("link", name="All duplicates").click()
    expect(tab.get_by_role("heading", name="1 group")).to_be_visible()
    tab.goto(f"{duplicates_address}/duplicates/?tier=same_thing")
    expect(tab.get_by_role("heading", name=re.compile(r"\d+ groups?$"))).to_be_visible()
    assert violations(tab) == []


@in_matrix
def test_duplicates_without_a_script(open_tab: OpenTab, duplicates_address: str) -> None:
    tab = open_tab(f"{duplicates_address}/duplicates/", java_script_enabled=False)
    while tab.get_by_role("link", name="Show the progress").count():
        tab.get_by_role("link", name="Show the progress").click()
    tab.get_by_role("button", name="Not duplicates").first.click()
    expect(tab.locator("[data-group]")).to_have_count(1)
    tab.get_by_role("button", name="Delete selected pictures").click()
    expect(tab.get_by_role("heading", name="Delete this picture?")).to_be_visible()
    tab.get_by_role("button", name="Delete this picture").click()
    expect(tab.locator("[data-group]")).to_have_count(0)


def test_two_models_are_compared_and_one_after_the_other_goes_live(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/models/")
    expect(tab.locator(".bundles .live h2")).to_have_text(OLD)
    tab.get_by_role("link", name="Compare two side by side").click()
    tab.locator(".wall .frame").first.click()
    expect(tab.get_by_text(re.compile(r"overlap@10: \d\.\d\d"))).to_have_count(1)
    columns = tab.locator(".column")
    assert [column.locator("li").count() for column in columns.all()] == [10, 10]
    shared = columns.first.locator(".both").count()
    assert columns.last.locator(".both").count() == shared
    expect(tab.get_by_text(f"{shared} of 10")).to_be_visible()
    tab.get_by_label("Model").last.select_option(OLD)
    tab.get_by_role("button", name="Compare").click()
    expect(tab.get_by_text("overlap@10: 1.00")).to_have_count(1)
    tab.locator("input[type=file]").set_input_files(fresh())
    tab.get_by_role("button", name="Compare").click()
    expect(tab.get_by_alt_text("The picture searched with")).to_be_visible()

    for bundle in (NEW, OLD):
        tab.goto(f"{catalogue_address}/models/")
        tab.get_by_role("button", name=re.compile(f": {bundle}$")).click()
        expect(tab.get_by_text("is live now")).to_be_visible()
        expect(tab.locator(".bundles .live h2")).to_have_text(bundle)
