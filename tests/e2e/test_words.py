"""Searching with words on the real page before the real API: by keyboard, with suggestions, and without a script."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import QUERY_ID, OpenTab, ids, settle
from tests.support.accessibility import violations
from tests.support.marks import in_matrix

SUGGESTED = "(field) => [...field.list.options].map(({ value }) => value)"


def typed(tab: Page, text: str) -> None:
    """Go to the field by its key, and type."""
    tab.keyboard.press("/")
    expect(tab.locator("#words")).to_be_focused()
    tab.keyboard.type(text)


def test_words_are_typed_after_a_key_and_known_ones_suggested(tab: Page) -> None:
    typed(tab, "bow")
    expect(tab.locator("#known-words option[value='bowl']")).to_have_count(1)
    assert "bowl" in tab.locator("#words").evaluate(SUGGESTED)
    assert violations(tab) == []
    tab.keyboard.press("Enter")
    settle(tab)
    expect(tab.get_by_role("heading", name="“bow”")).to_be_visible()
    expect(tab.locator("#matches")).to_have_text("30 pictures")
    expect(tab.locator(".hits > .tile")).to_have_count(20)
    assert re.search(r"/search\?text=bow$", tab.url)
    assert violations(tab) == []
    tab.reload()
    expect(tab.locator(".hits > .tile")).to_have_count(20)


def test_words_are_searched_for_among_filtered_pictures_and_lead_to_a_search_with_a_picture(
    open_tab: OpenTab, shop_address: str
) -> None:
    tab = open_tab(f"{shop_address}/search?text=shelf&has.shape=%22bowl%22")
    settle(tab)
    expect(tab.locator("#matches")).to_have_text("30 pictures")
    tab.get_by_role("link", name="Show more").click()
    expect(tab.locator(".hits > .tile")).to_have_count(30)
    expect(tab.locator("#matches")).to_have_text("30 pictures")
    first = ids(tab)[0]
    tab.locator(".hits a.frame").first.click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    assert f"id={first.replace(' ', '+').replace('/', '%2F')}&has.shape" in tab.url


@in_matrix
def test_from_a_picture_to_words_and_back(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(f"{shop_address}/search?id={QUERY_ID}")
    settle(tab)
    typed(tab, "piece-031")
    tab.keyboard.press("Enter")
    expect(tab.locator("#matches")).to_have_text("1 picture")
    assert ids(tab) == ["shelf 1/piece-031"]
    tab.go_back()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    expect(tab.locator("#words")).to_have_value("")


def test_a_word_that_is_not_there_leads_to_one_that_is(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(f"{shop_address}/search?text=botle")
    expect(tab.get_by_text("No picture has all of these words")).to_be_visible()
    assert violations(tab) == []
    tab.get_by_role("link", name="bottle").click()
    expect(tab.locator("#matches")).to_have_text("30 pictures")


@in_matrix
def test_words_without_a_script(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(shop_address, java_script_enabled=False)
    tab.get_by_role("combobox", name="Or words").fill("bowl")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("30 pictures")).to_be_visible()
    tab.locator(".hits a.frame").first.click()
    expect(tab.get_by_text("20 closest matches")).to_be_visible()
