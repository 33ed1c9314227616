"""Many pictures at once on the real page before the real API: labels, attributes, deletion, export, and back again."""

import csv
import json
from pathlib import Path

import requests
from playwright.sync_api import Page, expect

from tests.e2e.conftest import QUERY_ID, OpenTab, choose, settle
from tests.support.accessibility import violations
from tests.support.marks import in_matrix


def labels(tab: Page, count: int) -> list[str]:
    return tab.locator(".tile .label").all_text_contents()[:count]  # also of tiles that are not drawn


def test_a_range_is_labelled_and_the_labelling_undone(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/browse/", reduced_motion="reduce")
    before = labels(tab, 6)
    expect(tab.get_by_role("button", name="Set label")).to_be_hidden()
    tab.locator(".pick input").nth(1).check()
    tab.locator(".pick input").nth(4).click(modifiers=["Shift"])
    expect(tab.locator("[data-count]")).to_have_text("4 selected")
    assert violations(tab) == []
    tab.get_by_label("New label").fill("range")
    tab.get_by_role("button", name="Set label").click()
    expect(tab.get_by_text("4 pictures are labelled “range”.")).to_be_visible()
    assert labels(tab, 6) == [before[0], *["range"] * 4, before[5]]
    assert violations(tab) == []
    with tab.expect_navigation():
        tab.get_by_role("button", name="Undo").click()
    assert labels(tab, 6) == before


def test_all_that_a_filter_lets_through_get_an_attribute_and_are_exported(
    open_tab: OpenTab, catalogue_address: str, width: int
) -> None:
    name = f"seen-{width}"
    tab = open_tab(f"{catalogue_address}/browse/?has.shape=%22bowl%22", reduced_motion="reduce")
    tab.locator(".pick input").first.check()
    tab.get_by_label("All 35 that the filters let through").check()
    expect(tab.locator("[data-count]")).to_have_text("35 selected")
    tab.get_by_text("Attribute", exact=True).click()
    tab.get_by_label("Name of the attribute").fill(name)
    tab.locator("#selection [name=kind]").select_option("truth")
    tab.get_by_label("Value; empty to remove").fill("yes")
    tab.get_by_role("button", name="Set attribute").click()
    expect(tab.get_by_text("35 pictures are changed.")).to_be_visible()
    tab.goto(f"{catalogue_address}/browse/?has.{name}=true")
    expect(tab.locator("#shown")).to_have_text("35 pictures")
    tab.locator(".pick input").first.check()
    tab.get_by_label("All 35 that the filters let through").check()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert len(rows) == 35
    assert all(json.loads(row["attributes"])[name] is True for row in rows)
    assert {row["file"] for row in rows} == {row["id"].rpartition("/")[2] for row in rows}


def test_selected_pictures_are_deleted_and_restored(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/browse/?order=-created")
    total = tab.locator("#shown").inner_text()
    first = tab.locator(".tile").first.get_attribute("data-id")
    tab.locator(".pick input").first.check()
    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.get_by_text("1 picture is in the bin.")).to_be_visible()
    expect(tab.locator(f".tile[data-id='{first}']")).to_have_count(0)
    with tab.expect_navigation():
        tab.get_by_role("button", name="Restore").click()
    expect(tab.locator("#shown")).to_have_text(total)


@in_matrix
def test_matches_are_selected_with_shift_on_their_pictures(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/search?id={QUERY_ID}", reduced_motion="reduce")
    settle(tab)
    tab.locator(".hits .frame").nth(0).click(modifiers=["Shift"])
    tab.locator(".hits .frame").nth(2).click(modifiers=["Shift"])
    expect(tab.locator("[data-count]")).to_have_text("3 selected")
    assert violations(tab) == []
    tab.get_by_role("button", name="Select none").click()
    expect(tab.get_by_role("button", name="Set label")).to_be_hidden()


def test_a_match_is_called_wrong_and_that_is_taken_back(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/search?id={QUERY_ID}", reduced_motion="reduce")
    settle(tab)
    button = tab.locator(".hits > .tile").nth(2).get_by_role("button", name="This is wrong")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert violations(tab) == []
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")


@in_matrix
def test_an_upload_has_wrong_matches_too(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(catalogue_address)
    choose(tab)
    button = tab.locator(".hits > .tile").nth(5).get_by_role("button", name="This is wrong")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    tab.reload()
    settle(tab)
    expect(tab.locator(".hits > .tile").nth(5).get_by_role("button", name="This is wrong")).to_be_visible()


def test_the_history_of_a_picture_is_shown_and_undone(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/items/?id=shelf 3/piece-008")
    before = tab.get_by_label("Label", exact=True).input_value()
    tab.get_by_label("Label", exact=True).fill("mistaken")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_text("History").click()
    expect(tab.locator(".history li").first).to_contain_text("mistaken")
    assert violations(tab) == []
    tab.get_by_role("button", name="Undo this change").click()
    expect(tab.get_by_text("The change is undone.")).to_be_visible()
    expect(tab.get_by_label("Label", exact=True)).to_have_value(before)


@in_matrix
def test_many_at_once_without_a_script(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/browse/", java_script_enabled=False)
    for number in (0, 1):
        tab.locator(".pick input").nth(number).check()
    tab.get_by_label("New label").fill("scriptless")
    tab.get_by_role("button", name="Set label").click()
    expect(tab.get_by_text("2 pictures are labelled “scriptless”.")).to_be_visible()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("2 pictures are as they were before.")).to_be_visible()
    tab.get_by_role("link", name="Continue").click()
    tab.locator(".pick input").first.check()
    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.get_by_role("heading", name="Delete this picture?")).to_be_visible()
    tab.get_by_role("button", name="Delete this picture").click()
    expect(tab.get_by_text("1 picture is in the bin.")).to_be_visible()
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(f"{catalogue_address}/selection/label").status_code == 405
