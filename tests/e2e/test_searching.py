"""Every way to ask, on the real page before the real API, on a phone and on a desk."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.e2e.conftest import QUERY, QUERY_ID, OpenTab, ask, choose, ids, settle
from tests.support.gestures import draw, pass_over, refine
from tests.support.marks import IN_MATRIX, in_matrix


@pytest.mark.parametrize("way", [pytest.param("choose", marks=IN_MATRIX), "camera", "drop", "paste"])
def test_from_a_cold_page_one_action_shows_the_matches(tab: Page, way: Any) -> None:
    file: FilePayload = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": QUERY}
    if way in ("choose", "camera"):
        tab.locator("#file" if way == "choose" else "#camera").first.set_input_files(file)
    else:
        pass_over(tab, way, QUERY, "me.jpg", "image/jpeg")
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    assert ids(tab)[0] == QUERY_ID
    shown = tab.get_by_alt_text("The picture you searched with")
    assert shown.evaluate("(picture) => picture.decode().then(() => picture.naturalWidth)") == 480


def test_a_pasted_or_typed_address_is_a_link(tab: Page) -> None:
    """Whatever becomes of it: that it is fetched, or why not, is the API's to say."""
    address = "https://pictures.example/vase.jpg"
    tab.evaluate(
        """(address) => {
            const transfer = new DataTransfer();
            transfer.setData("text/plain", address);
            const options = { clipboardData: transfer, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new ClipboardEvent("paste", options));
        }""",
        address,
    )
    tab.wait_for_url("**/search?url=https%3A%2F%2Fpictures.example%2Fvase.jpg")
    tab.go_back()
    tab.get_by_label("Or its address").fill(address)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search?url=https%3A%2F%2Fpictures.example%2Fvase.jpg")


def test_a_box_drawn_on_the_picture_searches_with_that_part(tab: Page, width: int) -> None:
    choose(tab)
    whole = ids(tab)
    if width < 960:
        refine(tab)
        tab.get_by_text("Search with a part of it").click()
    draw(tab, (0.5, 0.5), (0.9, 0.9))
    expect(tab.get_by_role("button", name="Search with all of it")).to_be_visible()
    settle(tab)
    expect(tab.locator(".crop-box")).to_be_visible()
    sides = [int(tab.locator(f"main [name={side}]").input_value()) for side in ("left", "top", "width", "height")]
    assert sides == pytest.approx([50, 50, 40, 40], abs=1)
    assert ids(tab) != whole
    tab.get_by_role("button", name="Search with all of it").click()
    expect(tab.get_by_role("button", name="Search with all of it")).to_have_count(0)
    settle(tab)
    assert ids(tab) == whole


def test_numbers_do_the_same_as_a_box(tab: Page, shop_address: str) -> None:
    tab.goto(f"{shop_address}/search?id=shelf 1/piece-021")
    refine(tab)
    tab.get_by_text("Search with a part of it").click()
    for side, percent in {"left": 25, "top": 0, "width": 50, "height": 60}.items():
        tab.get_by_label(side, exact=True).fill(str(percent))
    expect(tab.locator(".crop-box")).to_be_visible()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search?id=shelf+1%2Fpiece-021&left=25&top=0&width=50&height=60")
    part = {"left": 25, "top": 0, "width": 50, "height": 60}
    assert ids(tab) == ask(shop_address, id="shelf 1/piece-021", **part) != ask(shop_address, id="shelf 1/piece-021")
    tab.get_by_role("link", name="Search with all of it").click()
    tab.wait_for_url("**/search?id=shelf+1%2Fpiece-021")


def test_settings_search_again_at_once_and_are_in_the_link(tab: Page, shop_address: str) -> None:
    choose(tab)
    refine(tab)
    tab.locator("main [name=k]").select_option("10")
    expect(tab.get_by_role("heading", name="10 closest matches")).to_be_visible()
    for metric in ("euclidean", "fused"):
        tab.get_by_label("Compare by").focus()
        tab.get_by_label("Compare by").select_option(metric)
        tab.wait_for_url(re.compile(rf"k=10&metric={metric}&cursor="))
        assert ids(tab) == ask(shop_address, **dict(parse_qsl(urlsplit(tab.url).query)))
    expect(tab.get_by_label("Compare by")).to_be_focused()


def test_the_best_of_each_label_and_then_all_of_one(tab: Page, shop_address: str) -> None:
    tab.goto(f"{shop_address}/search?id=shelf 1/piece-021&k=50")
    refine(tab)
    tab.get_by_label("Show").select_option("label")
    expect(tab.get_by_role("heading", name="5 closest matches")).to_be_visible()
    assert ids(tab) == ask(shop_address, id="shelf 1/piece-021", k=50, group="label")
    more = tab.locator(".others a").first
    count = int(more.inner_text().split()[0])
    more.click()
    expect(tab.get_by_role("heading", name=f"{count + 1} closest matches")).to_be_visible()
    assert len(set(tab.locator(".hits .label").all_inner_texts())) == 1


def test_filters_show_counts_and_add_up(tab: Page, shop_address: str) -> None:
    choose(tab)
    refine(tab)
    tab.get_by_text("Filters", exact=True).click()
    tab.locator("input[name=label][value=label-1]").check()
    tab.wait_for_url(re.compile("label=label-1"))
    expect(tab.locator("input[name=label][value=label-1]")).to_be_focused()
    expect(tab.locator(".box", has_text="label-1")).to_contain_text("13")
    assert set(tab.locator(".hits .label").all_inner_texts()) == {"label-1"}
    tab.get_by_label("bowl").check()
    tab.wait_for_url(re.compile(r"has\.shape=%22bowl%22"))
    tab.get_by_label("most", exact=True).first.fill("10")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(r"most\.price=10"))
    expect(tab.locator(".chip")).to_have_count(3)
    labels = {piece.partition("piece-")[2] for piece in ids(tab)}
    assert labels == {f"{n:03}" for n in range(60) if n % 4 == 1 and n % 2 == 1 and n / 2 <= 10 and n % 7}
    tab.locator(".chip", has_text="price").click()
    expect(tab.locator(".chip")).to_have_count(2)
    expect(tab.get_by_label("most", exact=True).first).to_have_value("")
    expect(tab.get_by_alt_text("The picture you searched with")).to_be_visible()


def hold_counts(tab: Page) -> list[Route]:
    """From here on, counts are asked for and not answered."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.route("**/search/filters?*", hold)
    return held


def let_arrive(tab: Page, held: list[Route]) -> None:
    """The counts that are held, once they are asked for, and those to come."""
    for _ in range(500):
        if held:
            break
        tab.wait_for_timeout(20)
    (counts,) = held
    with tab.expect_response("**/search/filters?*"):
        counts.continue_()
    tab.unroute("**/search/filters?*")
    tab.evaluate("() => new Promise((next) => setTimeout(next, 100))")  # what is done with them is done


@in_matrix
def test_what_is_typed_while_the_counts_are_on_their_way_stays(tab: Page) -> None:
    choose(tab)
    refine(tab)
    tab.get_by_text("Filters", exact=True).click()
    label = tab.locator("input[name=label][value=label-1]")
    expect(label).to_be_visible()
    held = hold_counts(tab)
    label.check()
    tab.wait_for_url(re.compile("label=label-1"))
    expect(label).to_be_focused()
    tab.get_by_label("most", exact=True).first.fill("10")
    let_arrive(tab, held)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(r"most\.price=10"))
    expect(tab.locator(".box", has_text="label-1")).to_contain_text("5")


@in_matrix
def test_a_press_while_the_counts_arrive_is_not_lost(tab: Page) -> None:
    choose(tab)
    refine(tab)
    tab.get_by_text("Filters", exact=True).click()
    tab.locator("input[name=label][value=label-1]").check()
    tab.wait_for_url(re.compile("label=label-1"))
    expect(tab.locator(".box", has_text="label-1")).to_contain_text("13")
    held = hold_counts(tab)
    tab.get_by_label("bowl").check()
    tab.wait_for_url(re.compile(r"has\.shape=%22bowl%22"))
    chip = tab.locator(".chip", has_text="bowl")
    chip.scroll_into_view_if_needed()
    chip.hover()
    tab.mouse.down()
    let_arrive(tab, held)
    tab.mouse.up()
    expect(chip).to_have_count(0)
    expect(tab.locator(".box", has_text="label-1")).to_contain_text("13")
    expect(tab.get_by_label("bowl")).not_to_be_checked()
    expect(tab.locator("input[name=label][value=label-1]")).to_be_checked()


@in_matrix
def test_filters_stay_while_a_picture_is_searched_with_again(tab: Page) -> None:
    choose(tab)
    refine(tab)
    tab.get_by_text("Filters", exact=True).click()
    most = tab.get_by_label("most", exact=True).first
    most.fill("10")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(r"most\.price=10"))
    tab.get_by_role("button", name=re.compile("Add to the query")).first.click()
    expect(tab.get_by_role("list", name="Also like", exact=True)).to_be_visible()
    expect(tab.locator(".chip")).to_have_count(1)
    expect(most).to_have_value(re.compile("^10"))


def test_only_sure_matches_and_none_is_an_answer(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(f"{shop_address}/search?id=shelf 1/piece-021&k=100")
    refine(tab)
    slider = tab.get_by_role("slider", name="Only sure matches")
    slider.evaluate("(slider) => { slider.value = 90; slider.dispatchEvent(new Event('input', { bubbles: true })); }")
    expect(tab.locator(".min-probability output")).to_have_text("90 % or more")
    slider.dispatch_event("change")
    tab.wait_for_url("**sure=90**")
    for words in map(str.strip, tab.locator(".score").all_text_contents()):  # also of those that are not drawn
        assert words.startswith("over 99") or int(words.split("\N{NO-BREAK SPACE}")[0]) >= 90
    assert ids(tab) == ask(shop_address, id="shelf 1/piece-021", k=100, sure=90)

    tab.goto(f"{shop_address}/search?id=shelf 1/piece-021&metric=euclidean&sure=96")
    expect(tab.get_by_text("No match is 96 % sure")).to_be_visible()
    tab.get_by_role("link", name="Show the closest, sure or not").click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    tab.goto(f"{shop_address}/search?id=shelf 1/piece-021&metric=fused&sure=96")
    expect(tab.get_by_text("Fused ranks have no probability")).to_be_visible()
    expect(tab.get_by_role("slider")).to_have_count(0)


def test_a_face_is_picked_where_the_model_compares_faces(open_tab: OpenTab, people_address: str) -> None:
    tab = open_tab(f"{people_address}/search?id=person-3")
    face = tab.get_by_role("button", name=re.compile("Search with face 1"))
    expect(face).to_be_visible()
    face.click()
    tab.wait_for_url("**/search?id=person-3&face=1")
    expect(tab.get_by_role("button", name=re.compile("Search with face 1"))).to_have_attribute("aria-pressed", "true")


@in_matrix
def test_no_faces_are_offered_where_pictures_are_compared(tab: Page) -> None:
    with tab.expect_response("**/search/faces") as answered:
        choose(tab)
    assert answered.value.status == 204
    expect(tab.locator(".face")).to_have_count(0)


def test_searching_works_without_javascript(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(shop_address, java_script_enabled=False)
    tab.locator("#file").set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": QUERY})
    tab.locator("form.search > button").click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    expect(tab.get_by_alt_text("The picture you searched with")).to_be_visible()

    tab.get_by_role("link", name="Show more").click()
    expect(tab.get_by_role("heading", name="Matches 21 to 40")).to_be_visible()
    tab.locator(".hits a.frame").nth(2).click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    tab.locator(".hits .tile").nth(1).get_by_role("link", name=re.compile("Less like this")).click()
    expect(tab.get_by_role("list", name="Also unlike")).to_be_visible()
    tab.get_by_role("link", name="Take out of the query").click()
    expect(tab.get_by_role("list", name="Also unlike")).to_have_count(0)
    refine(tab)
    tab.get_by_text("Filters", exact=True).click()
    tab.get_by_role("link", name="Choose filters").click()
    tab.locator("input[name=label][value=label-2]").check()
    tab.get_by_role("button", name="Search").click()
    expect(tab.locator(".chip")).to_have_count(1)
    tab.locator(".hits .tile").first.get_by_role("link", name=re.compile("Why")).click()
    expect(tab.get_by_alt_text("The match, under its heat map")).to_be_visible()
