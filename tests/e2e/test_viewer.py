"""A match in full size on the real page before the real API: beside the query, zoomed, saved, shared; and all keys."""

from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import QUERY_ID, OpenTab, choose, ids, settle
from tests.support.accessibility import violations
from tests.support.bundles import pieces
from tests.support.marks import in_matrix

SCALE = "(stage) => getComputedStyle(stage).getPropertyValue('--scale')"


def opened(tab: Page, address: str) -> Locator:
    """The viewer with the first match of a search."""
    tab.goto(address)
    settle(tab)
    tab.locator("[data-view]").first.click()
    return tab.get_by_role("dialog", name="Full size")


def test_a_match_is_compared_with_the_query_and_both_are_zoomed(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(reduced_motion="reduce")
    view = opened(tab, f"{shop_address}/search?id={QUERY_ID}")
    expect(view.locator(".facts")).to_contain_text("price")
    assert violations(tab) == []
    tab.keyboard.press("c")
    expect(view.get_by_role("button", name="Beside the query")).to_have_attribute("aria-pressed", "true")
    expect(view.get_by_alt_text("The picture you searched with")).to_be_visible()
    boxes = [view.locator(name).bounding_box() for name in (".query-picture", ".match")]
    assert boxes[0] != boxes[1]
    assert violations(tab) == []
    view.get_by_role("button", name="Slider").click()
    slider = view.get_by_role("slider", name="How much of the match is shown")
    slider.fill("20")
    assert view.locator(".match").evaluate("(image) => getComputedStyle(image).clipPath") == "inset(0px 0px 0px 20%)"
    assert violations(tab) == []
    stage = view.locator(".viewer-stage")
    assert stage.evaluate(SCALE) == "1"
    view.get_by_role("button", name="Zoom in").click()
    assert stage.evaluate(SCALE) == "1.5"
    stage.hover()
    tab.mouse.wheel(0, -400)
    expect(stage).to_have_class("viewer-stage zoomed")
    before = stage.evaluate("(stage) => stage.style.getPropertyValue('--x')")
    box = stage.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] + 30, middle[1] + 10)
    tab.mouse.up()
    assert stage.evaluate("(stage) => stage.style.getPropertyValue('--x')") != before
    view.get_by_role("button", name="The whole picture").click()
    assert stage.evaluate(SCALE) == "1"


@in_matrix
def test_the_original_is_saved_and_the_link_copied(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(permissions=["clipboard-read", "clipboard-write"])
    view = opened(tab, f"{shop_address}/search?id={QUERY_ID}")
    shown = ids(tab)[0]
    with tab.expect_download() as download:
        view.get_by_role("link", name="Download").click()
    data = next(piece.data for piece in pieces(60) if piece.id == shown)
    assert Path(download.value.path()).read_bytes() == data
    assert download.value.suggested_filename == shown.rpartition("/")[2] + ".jpg"
    view.get_by_role("button", name="Copy link").click()
    expect(view.get_by_text("The link is copied.")).to_be_visible()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied == f"{shop_address}/items/?id={quote(shown, safe='')}"
    tab.keyboard.press("e")
    expect(tab.get_by_role("button", name="Save")).to_be_visible()


@in_matrix
def test_an_upload_is_compared_with_its_matches(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(shop_address)
    choose(tab)
    tab.locator("[data-view]").first.click()
    tab.keyboard.press("c")
    expect(tab.get_by_role("dialog").get_by_alt_text("The picture you searched with")).to_have_attribute(
        "src", tab.locator("[data-canvas] img").get_attribute("src")
    )


def test_words_have_no_picture_to_compare_with(open_tab: OpenTab, shop_address: str) -> None:
    view = opened(open_tab(), f"{shop_address}/search?text=bowl")
    expect(view.get_by_role("button", name="Slider")).to_have_count(0)


def test_the_keys_are_listed_on_every_page(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(shop_address, reduced_motion="reduce")
    for path in ("/", "/browse/", f"/search?id={QUERY_ID}", "/models/"):
        tab.goto(shop_address + path)
        tab.keyboard.press("?")
        expect(tab.get_by_role("dialog", name="Keys")).to_contain_text("search with words")
        tab.keyboard.press("Escape")
        expect(tab.get_by_role("dialog")).to_have_count(0)
    tab.keyboard.press("?")
    assert violations(tab) == []
    tab.keyboard.press("Escape")
    tab.keyboard.press("/")
    tab.wait_for_url("**/#words")
    expect(tab.locator("#words")).to_be_focused()
