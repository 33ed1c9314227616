"""Whoever goes back finds the page as it was: what was asked since is in nothing that is asked next."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenTab, choose, settle
from tests.support.bundles import portrait
from tests.support.gestures import draw, refine
from tests.support.marks import in_matrix


@pytest.fixture
def width() -> int:
    """A desk's: nothing here depends on it."""
    return 1440


def compare_by(tab: Page, metric: str) -> None:
    refine(tab)
    tab.locator("main").get_by_label("Compare by").select_option(metric)
    expect(tab.locator(f"main[data-link*='metric={metric}']")).to_be_visible()


def test_a_picture_that_was_added_is_not_in_what_is_asked_after_going_back(tab: Page) -> None:
    choose(tab)
    also = tab.get_by_role("list", name="Also like", exact=True)
    tab.locator(".tile").nth(1).get_by_role("button", name=re.compile("Add to the query")).click()
    expect(also).to_be_visible()
    tab.go_back()
    expect(also).to_have_count(0)
    compare_by(tab, "euclidean")
    expect(also).to_have_count(0)
    tab.go_back()
    tab.go_forward()
    settle(tab)
    expect(tab.locator("main").get_by_label("Compare by")).to_have_value("euclidean")


@in_matrix
def test_one_that_was_taken_out_is_in_it_again(tab: Page) -> None:
    choose(tab)
    also = tab.get_by_role("list", name="Also like", exact=True)
    tab.locator(".tile").nth(1).get_by_role("button", name=re.compile("Add to the query")).click()
    expect(also).to_be_visible()
    also.get_by_role("button").click()
    expect(also).to_have_count(0)
    settle(tab)
    tab.go_back()
    expect(also).to_be_visible()
    compare_by(tab, "euclidean")
    expect(also).to_be_visible()


@in_matrix
def test_a_face_is_not_asked_for_again_and_is_offered_again(open_tab: OpenTab, people_address: str) -> None:
    tab = open_tab(f"{people_address}/search?id=person-3")
    face = tab.get_by_role("button", name=re.compile("Search with face 1"))
    face.click()
    tab.wait_for_url("**face=1")
    tab.go_back()
    compare_by(tab, "euclidean")
    assert "face" not in tab.url

    tab.goto(people_address)
    choose(tab, portrait(3))
    expect(face).to_be_visible()
    tab.locator(".hits a.frame").nth(1).click()
    tab.wait_for_url("**/search?id=**")
    tab.go_back()
    expect(tab.get_by_alt_text("The picture you searched with")).to_be_visible()
    expect(face).to_be_visible()
    face.click()
    settle(tab)
    expect(tab.locator("[data-add]")).to_have_count(0)


@in_matrix
def test_more_like_a_match_in_full_size_begins_at_its_top(tab: Page) -> None:
    choose(tab)
    tab.locator(".tile").nth(15).get_by_role("link", name=re.compile("Full size")).click()
    tab.get_by_role("dialog").get_by_role("link", name="More like this").click()
    tab.wait_for_url("**/search?id=**")
    settle(tab)
    expect(tab.get_by_role("dialog")).to_have_count(0)
    assert tab.evaluate("scrollY") == 0


@in_matrix
def test_with_further_pictures_the_part_stays_what_is_searched_with(tab: Page) -> None:
    choose(tab)
    refine(tab)
    draw(tab, (0.2, 0.3), (0.9, 0.6))
    expect(tab.get_by_role("button", name="Search with all of it")).to_be_visible()
    settle(tab)
    for count in (1, 2):
        tab.locator(".tile").nth(3).get_by_role("button", name=re.compile("Add to the query")).click()
        expect(tab.get_by_role("list", name="Also like", exact=True).get_by_role("listitem")).to_have_count(count)
        settle(tab)
        shape = tab.get_by_alt_text("The picture you searched with").evaluate(
            "(it) => it.naturalWidth / it.naturalHeight"
        )
        assert shape > 2.5  # 0.7 of 480 to 0.3 of 360 pixels


@in_matrix
def test_a_search_for_no_address_says_so(tab: Page) -> None:
    tab.locator("main").get_by_role("button", name="Search", exact=True).first.click()  # beside the address
    expect(tab.get_by_label("Or its address")).to_be_focused()
    assert not tab.get_by_label("Or its address").evaluate("(field) => field.validity.valid")
