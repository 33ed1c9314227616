"""Labels on the real page before the real API: existing ones are suggested, and each match can be edited."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.e2e.conftest import QUERY_ID, OpenTab, settle
from tests.support.accessibility import violations

OPTIONS = "(list) => [...list.options].map((option) => option.value)"


@pytest.mark.parametrize("path", ["/add/", "/items/?id=shelf 1/piece-021"])
def test_existing_labels_are_suggested_where_one_is_typed(open_tab: OpenTab, shop_address: str, path: str) -> None:
    tab = open_tab(shop_address + path)
    tab.get_by_role("combobox", name="Label", exact=True).focus()
    suggestions = tab.locator("#existing-labels")
    expect(suggestions.locator("option[value='label-1']")).to_have_count(1)
    known = suggestions.evaluate(OPTIONS)
    assert len(known) == len(set(known)) > 1


def test_of_many_labels_those_are_suggested_that_the_text_begins(open_tab: OpenTab, shop_address: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{shop_address}/labels/", params={"text": "label-1"})
    assert answer.status_code == 200
    assert "label-1" in answer.json()["labels"]
    tab = open_tab()
    frequent = {"labels": ["frequent"], "complete": False}
    tab.route(re.compile(r"/labels/\?text=$"), lambda route: route.fulfill(json=frequent))
    tab.goto(f"{shop_address}/add/")
    field = tab.get_by_role("combobox", name="Label", exact=True)
    field.focus()
    expect(tab.locator("#existing-labels option")).to_have_attribute("value", "frequent")
    field.press_sequentially("label-1")
    expect(tab.locator("#existing-labels option[value='label-1']")).to_have_count(1)


def test_every_match_leads_to_its_label(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(f"{shop_address}/search?id={QUERY_ID}", reduced_motion="reduce")
    settle(tab)
    edits = tab.locator(".hits .actions").get_by_role("link", name="Edit label and attributes")
    expect(edits).to_have_count(20)
    assert violations(tab) == []
    match = tab.locator(".hits > .tile").first.get_attribute("data-id")
    edits.first.click()
    expect(tab.get_by_role("button", name="Save")).to_be_visible()
    assert tab.locator("input[name=id]").first.input_value() == match
