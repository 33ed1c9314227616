"""Small things that people trip over: several dropped files, spoken values, paper, what is covered."""

import base64

from playwright.sync_api import Page, expect

from tests.frontend.fake_api import TALL_PNG, FakeApi, as_json, hit, matches

DROP_TWO = """(picture) => {
    const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    for (const name of ["first.png", "second.png"]) transfer.items.add(new File([bytes], name, { type: "image/png" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def test_of_several_dropped_files_it_is_said_which_one_is_searched_with(tab: Page) -> None:
    tab.goto("/")
    tab.evaluate(DROP_TWO, base64.b64encode(TALL_PNG).decode())
    expect(tab.locator("main.results:not([aria-busy]) .about")).to_contain_text(
        "Of 2 files, first.png is searched with."
    )


def test_the_slider_is_spoken_in_words(tab: Page, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(matches(hit("one"), calibration={"meaning": "label"}))
    tab.goto("/search?id=one")
    slider = tab.locator("input[name=sure]")
    expect(slider).to_have_attribute("aria-valuetext", "all")
    slider.evaluate("(field) => { field.value = 75; field.dispatchEvent(new Event('input', { bubbles: true })); }")
    expect(slider).to_have_attribute("aria-valuetext", "75 % or more")


def test_paper_has_every_picture_and_no_button(tab: Page) -> None:
    tab.goto("/search?id=one")
    expect(tab.locator(".hits .tile").first).to_be_visible()
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("img[loading=lazy]").count() == 0
    tab.emulate_media(media="print")
    assert tab.locator("button:visible, form:visible, nav:visible").count() == 0
    expect(tab.locator(".hits .tile").first).to_be_visible()


def test_what_has_the_focus_is_not_under_the_bar(tab: Page) -> None:
    tab.goto("/duplicates/")
    bar = tab.locator(".delete-selected").evaluate("(form) => form.offsetHeight")
    padding = tab.evaluate("parseFloat(getComputedStyle(document.documentElement).scrollPaddingBottom)")
    assert padding >= bar > 0


def test_no_gap_is_left_above_the_matches_of_a_phone_and_part_fields_stand_two_by_two(tab: Page, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(matches(hit("one")))
    tab.set_viewport_size({"width": 390, "height": 850})
    tab.goto("/search?id=one")
    gap = tab.evaluate(
        """() => {
            const words = document.createRange();
            words.selectNodeContents(document.querySelector(".matches .how"));
            return document.querySelector(".hits").getBoundingClientRect().top - words.getBoundingClientRect().bottom;
        }"""
    )
    assert gap < 30
    tab.locator("details:has(.crop-fields)").evaluate_all("(all) => { for (const each of all) each.open = true; }")
    boxes = [field.bounding_box() for field in tab.locator(".crop-fields input").all()]
    places = [(box["x"], box["y"]) for box in boxes if box]
    assert len({x for x, _ in places}) == len({y for _, y in places}) == 2
