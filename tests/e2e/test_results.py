"""What can be done with matches, on the real page before the real API, on a phone and on a desk."""

import csv
import json
import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from api.links import read_cursor, write_cursor
from tests.e2e.conftest import QUERY_ID, OpenTab, ask, choose, ids, settle
from tests.support.marks import IN_MATRIX, in_matrix

ITEM = "shelf 1/piece-021"


@pytest.fixture
def results(tab: Page, shop_address: str) -> Page:
    """The matches of an item."""
    tab.goto(f"{shop_address}/search?id={ITEM}")
    return tab


def test_one_click_shows_more_like_a_match_and_back_goes_back(results: Page, shop_address: str) -> None:
    before, second = ids(results), ids(results)[1]
    results.locator(".hits a.frame").nth(1).click()
    results.wait_for_url(re.compile(second.replace(" ", r"\+").replace("/", "%2F")))
    assert ids(results) == ask(shop_address, id=second)
    results.go_back()
    expect(results.locator(".hits .tile").first).to_have_attribute("data-id", before[0])
    results.go_forward()
    expect(results.locator(".hits .tile").first).to_have_attribute("data-id", ask(shop_address, id=second)[0])


@pytest.mark.parametrize(
    ("width", "by"),
    [
        (390, "item"),
        *(pytest.param(*each, marks=IN_MATRIX) for each in ((390, "picture"), (1440, "item"), (1440, "picture"))),
    ],
    indirect=["width"],
)
def test_the_query_stays_in_view_beside_its_matches(results: Page, shop_address: str, width: int, by: str) -> None:
    if by == "picture":
        results.goto(shop_address)
        choose(results)
    query = results.locator(".query [data-canvas] img")
    copy = results.get_by_role("button", name="Back to the query")
    expect(copy).to_be_hidden()
    results.locator(".tile").last.scroll_into_view_if_needed()
    if width == 1440:
        expect(query).to_be_in_viewport()
        expect(copy).to_be_hidden()
        return
    expect(query).not_to_be_in_viewport()
    expect(copy).to_be_in_viewport()
    assert results.evaluate("document.querySelector('.query-thumbnail img').naturalWidth > 0")
    copy.click()
    expect(query).to_be_in_viewport()
    expect(copy).to_be_hidden()


@pytest.mark.parametrize(
    ("button", "name"), [("Add to the query", "like"), pytest.param("Less like this", "unlike", marks=IN_MATRIX)]
)
def test_a_match_is_added_to_the_query_and_taken_out(results: Page, shop_address: str, button: str, name: str) -> None:
    alone, other = ids(results), ids(results)[3]
    results.locator(".tile").nth(3).get_by_role("link", name=re.compile(button)).click()
    expect(results.get_by_role("list", name=f"Also {name}", exact=True)).to_be_visible()
    assert ids(results) == ask(shop_address, id=ITEM, **{name: other})
    assert other not in ids(results)
    results.get_by_role("link", name="Take out of the query").click()
    expect(results.get_by_role("list", name=f"Also {name}", exact=True)).to_have_count(0)
    assert ids(results) == alone


def test_to_a_picture_of_ones_own_matches_are_added_too(tab: Page) -> None:
    choose(tab)
    assert ids(tab)[0] == QUERY_ID
    tab.locator(".tile").nth(2).get_by_role("button", name=re.compile("Less like this")).click()
    expect(tab.get_by_role("list", name="Also unlike")).to_be_visible()
    tab.locator(".tile").nth(1).get_by_role("button", name=re.compile("Add to the query")).click()
    expect(tab.get_by_role("list", name="Also like", exact=True)).to_be_visible()
    settle(tab)
    several = ids(tab)

    tab.reload()
    expect(tab.get_by_alt_text("The picture you searched with")).to_be_visible()
    assert ids(tab) == several
    tab.get_by_role("list", name="Also unlike").get_by_role("button").click()
    expect(tab.get_by_role("list", name="Also unlike")).to_have_count(0)
    expect(tab.get_by_role("list", name="Also like", exact=True)).to_be_visible()


def test_why_shows_both_heat_maps_over_the_page_and_on_a_page_of_its_own(results: Page, open_tab: OpenTab) -> None:
    why = results.locator(".tile").first.get_by_role("link", name=re.compile("Why"))
    why.click()
    dialog = results.get_by_role("dialog", name="Why is this a match?")
    for words in ("The picture searched with, under its heat map", "The match, under its heat map"):
        shown = dialog.get_by_alt_text(words)
        assert shown.evaluate("(map) => map.decode().then(() => Math.max(map.naturalWidth, map.naturalHeight))") == 384
    boxes = [each.bounding_box() for each in dialog.locator("img").all()]
    assert boxes[0]["y"] == boxes[1]["y"], "side by side"
    results.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(why).to_be_focused()
    alone = open_tab(results.evaluate("() => document.querySelector('[data-why]').href"))
    expect(alone.get_by_role("heading", name="Why is this a match?")).to_be_visible()
    alone.get_by_role("link", name="Back to the matches").click()
    expect(alone.get_by_role("heading", name="20 closest matches")).to_be_visible()


@in_matrix
def test_why_works_with_a_picture_of_ones_own(tab: Page) -> None:
    choose(tab)
    tab.locator(".tile").nth(1).get_by_role("button", name=re.compile("Why")).click()
    expect(tab.get_by_role("dialog").get_by_alt_text("The match, under its heat map")).to_be_visible()


def test_full_size_is_walked_through_with_the_keyboard(results: Page) -> None:
    opener = results.locator(".tile").nth(1).get_by_role("link", name=re.compile("Full size"))
    opener.focus()
    results.keyboard.press("Enter")
    view = results.get_by_role("dialog", name="Full size")
    expect(view).to_contain_text("2 of 20")
    expect(view.locator("img")).to_have_attribute("src", re.compile("/pictures/full"))
    for key, place in (("ArrowRight", 3), ("ArrowLeft", 2), ("ArrowLeft", 1), ("ArrowLeft", 20), ("ArrowRight", 1)):
        results.keyboard.press(key)
        expect(view).to_contain_text(f"{place} of 20")
    results.keyboard.press("Escape")
    expect(view).to_have_count(0)
    expect(results.locator(".tile").first.get_by_role("link", name=re.compile("Full size"))).to_be_focused()


def test_show_more_goes_on_where_the_page_ended(results: Page, shop_address: str) -> None:
    for count in (40, 59):
        results.get_by_role("link", name="Show more").click()
        expect(results.get_by_role("heading", name=f"{count} closest matches")).to_be_visible()
    assert ids(results) == ask(shop_address, id=ITEM, k=100)
    expect(results.get_by_role("link", name="Show more")).to_have_count(0)


def test_matches_are_saved_as_json_csv_and_a_contact_sheet(results: Page) -> None:
    saved = {}
    for name in ("JSON", "CSV"):
        with results.expect_download() as download:
            results.get_by_role("link", name=name, exact=True).click()
        saved[download.value.suggested_filename] = download.value.path().read_text()
    assert [hit["id"] for hit in json.loads(saved["matches.json"])["hits"]] == ids(results)
    rows = list(csv.DictReader(saved["matches.csv"].splitlines()))
    assert [row["id"] for row in rows] == ids(results)
    assert {"label", "attributes.shape", "match_probability"} <= rows[0].keys()

    with results.expect_download() as download:
        results.get_by_role("button", name="Contact sheet (PNG)").click()
    assert download.value.suggested_filename == "matches.png"
    with Image.open(BytesIO(download.value.path().read_bytes())) as sheet:
        assert (sheet.format, sheet.width) == ("PNG", 16 + 5 * 256)
        colours = sheet.convert("RGB").getcolors(maxcolors=2**24)
    assert colours is not None
    assert len(colours) > 10_000, "pictures are on it"


@in_matrix
def test_after_a_reload_the_picture_is_there_and_can_be_searched_with_again(tab: Page) -> None:
    choose(tab)
    result = ids(tab)
    tab.reload()
    expect(tab.get_by_alt_text("The picture you searched with")).to_be_visible()
    assert ids(tab) == result
    tab.locator(".tile").nth(1).get_by_role("button", name=re.compile("Why")).click()
    expect(tab.get_by_role("dialog").get_by_alt_text("The match, under its heat map")).to_be_visible()


def test_the_link_of_an_upload_shows_the_same_matches_to_others_but_not_the_picture(
    tab: Page, open_tab: OpenTab
) -> None:
    choose(tab)
    other = open_tab(tab.url)
    assert ids(other) == ids(tab)
    expect(other.get_by_text("The picture itself is not part of this link")).to_be_visible()
    expect(other.locator("button.needs-picture").first).to_be_hidden()
    assert other.locator(".canvas img").count() == 0


@in_matrix
def test_a_link_made_with_another_model_says_so(tab: Page, open_tab: OpenTab) -> None:
    choose(tab)
    link, cursor = tab.url.split("cursor=")
    fields = read_cursor(cursor.partition("&")[0])
    other = open_tab(f"{link}cursor={write_cursor(['another', *fields[1:]])}")
    expect(other.get_by_role("heading", name="This link has expired")).to_be_visible()


def test_it_says_how_the_search_was_done(results: Page) -> None:
    how = results.locator(".how", has_text="clusters")
    expect(how).to_have_text(re.compile(r"exact\s+·\s+opened \d of 6 clusters\s+·\s+(under 1|\d+) ms\s+·\s+model tiny"))
