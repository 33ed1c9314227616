"""The page in a real browser, on a phone and on a desk, before a fake API."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.frontend.fake_api import (
    CURSOR,
    TALL_PNG,
    FakeApi,
    ReceivedRequest,
    Reply,
    as_json,
    hit,
    matches,
    problem,
)
from tests.support.gestures import pass_over, refine
from tests.support.marks import in_matrix

PICTURE: FilePayload = {"name": "me.png", "mimeType": "image/png", "buffer": TALL_PNG}
WAYS_TO_SHOW: dict[str, Callable[[Page], Any]] = {
    "choose": lambda page: page.set_input_files("#file", PICTURE),
    "drop": lambda page: pass_over(page, "drop", TALL_PNG, "me.png", "image/png"),
    "paste": lambda page: pass_over(page, "paste", TALL_PNG, "me.png", "image/png"),
}


@pytest.fixture
def page(tab: Page) -> Page:
    """The start page."""
    tab.goto("/")
    return tab


def uploads(api: FakeApi) -> list[dict[str, bytes]]:
    """The searches that came with a picture."""
    return [
        request.form
        for request in api.requests
        if request.target == "/search" and "multipart" in request.headers["Content-Type"]
    ]


def searches(api: FakeApi) -> list[ReceivedRequest]:
    return [request for request in api.requests if request.target.partition("?")[0] == "/search"]


@pytest.mark.parametrize("way", WAYS_TO_SHOW)
@in_matrix
def test_one_action_from_the_cold_page_to_the_matches(page: Page, api: FakeApi, way: str) -> None:
    WAYS_TO_SHOW[way](page)
    expect(page.get_by_role("heading", name="3 closest matches")).to_be_visible()
    assert uploads(api) == [{"file": TALL_PNG, "k": b"20", "metric": b"cosine"}]
    shown = page.get_by_alt_text("The picture you searched with")
    expect(shown).to_have_attribute("src", re.compile("^blob:"))
    assert shown.evaluate("(picture) => picture.decode().then(() => picture.naturalWidth)") == 1
    expect(page.get_by_role("status")).to_have_text("3 closest matches")


@in_matrix
def test_a_click_searches_with_a_match_and_back_goes_back(page: Page, api: FakeApi) -> None:
    WAYS_TO_SHOW["choose"](page)
    preview = page.get_by_alt_text("The picture you searched with").get_attribute("src")
    page.get_by_role("link", name="Match 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tall bottle")
    assert page.url.endswith("/search?id=two")

    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your picture")
    expect(page.get_by_alt_text("The picture you searched with")).to_have_attribute("src", preview or "")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Search with a picture.")
    page.go_forward()
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tall bottle")
    assert len(searches(api)) == 2, "going back and forward asks for nothing again"

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tall bottle")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your picture")
    expect(page.get_by_alt_text("The picture you searched with")).to_have_attribute("src", re.compile("^blob:"))
    assert len(uploads(api)) == 1, "the link needs no picture again"
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Search with a picture.")


@in_matrix
def test_a_setting_searches_again_with_the_same_picture(page: Page, api: FakeApi) -> None:
    WAYS_TO_SHOW["choose"](page)
    expect(page.locator("#matches")).to_have_text("3 closest matches")
    api.replies["POST /search"] = as_json(matches(hit("one"), metric="euclidean"))
    refine(page)
    page.get_by_label("Compare by").focus()
    page.get_by_label("Compare by").select_option("euclidean")
    expect(page.locator("#matches")).to_have_text("1 closest match")
    expect(page.get_by_label("Compare by")).to_be_focused()
    assert searches(api)[-1].json == {"k": 20, "metric": "euclidean", "cursor": CURSOR}
    expect(page.get_by_alt_text("The picture you searched with")).to_be_visible()
    expect(page.get_by_label("Compare by")).to_have_value("euclidean")
    page.go_back()
    expect(page.locator("#matches")).to_have_text("3 closest matches")
    expect(page.get_by_label("Compare by")).to_have_value("cosine")

    page.get_by_role("link", name="Match 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tall bottle")
    refine(page)
    page.get_by_label("Compare by").select_option("euclidean")
    page.wait_for_url("**/search?id=two&metric=euclidean")


@in_matrix
def test_the_settings_hold_for_the_pictures_to_start_from(page: Page, api: FakeApi) -> None:
    page.get_by_label("Matches").select_option("50")
    page.get_by_role("link", name="Tall bottle").first.click()
    page.wait_for_url("**/search?id=one&k=50")
    assert searches(api)[-1].json == {"id": "one", "k": 50, "metric": "cosine"}


@in_matrix
def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(8):  # choose, address, its button, matches, compare by, show, filters, first picture
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Tall bottle").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="3 closest matches")).to_be_visible()
    expect(page.locator("main")).to_be_focused()


def test_a_failure_keeps_the_picture_for_another_try(page: Page, api: FakeApi) -> None:
    well = api.replies["POST /search"]
    api.replies["POST /search"] = problem(503, detail="No bundle is published.")
    WAYS_TO_SHOW["choose"](page)
    expect(page.get_by_role("heading", level=1)).to_have_text("The search service is not ready")
    api.replies["POST /search"] = well
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="3 closest matches")).to_be_visible()
    assert [form["file"] for form in uploads(api)] == [TALL_PNG, TALL_PNG]


def test_a_server_that_is_gone_is_told_and_tried_again(page: Page) -> None:
    page.route("**/search*", lambda route: route.abort())
    page.get_by_role("link", name="Tall bottle").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("server did not answer")
    page.unroute("**/search*")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="3 closest matches")).to_be_visible()


def test_nothing_moves_when_the_matches_and_their_pictures_arrive(page: Page, api: FakeApi) -> None:
    hits = [hit(name, n, match_probability=0.9) for n, name in enumerate(("one", "two", "three"), start=1)]
    long = {"bundle": "20261124-101500-efficientnet-lite0", "report_url": "/bundles/x/report/index.html"}
    api.replies["POST /search"] = as_json(matches(*hits, **long))
    searches: list[Route] = []
    pictures: list[Route] = []

    def hold(route: Route) -> None:
        (searches if route.request.method == "POST" else pictures).append(route)

    page.route("**/search", hold)
    page.route("**/pictures/**", hold)
    with page.expect_request("**/search"):
        WAYS_TO_SHOW["choose"](page)
    settings = page.get_by_text("Settings and filters")  # folded on a phone, and what is folded has no place to keep
    last = settings if settings.is_visible() else page.locator(".filters")
    boxes = [*(page.locator(place).first for place in (".canvas", "#matches", ".tiles .frame", ".query form")), last]
    waiting = [box.bounding_box() for box in boxes]
    expect(page.locator("#matches")).to_have_text("Searching…")

    searches.pop().continue_()
    expect(page.locator("#matches")).to_have_text("3 closest matches")
    empty = [box.bounding_box() for box in boxes]
    page.unroute("**/pictures/**")
    for picture in pictures:
        picture.continue_()
    page.locator(".hits img").first.evaluate("(picture) => picture.decode()")
    full = [box.bounding_box() for box in boxes]

    assert empty == full, "nothing changes its size"
    places = [[(box["x"], box["y"]) for box in state if box] for state in (waiting, full)]
    assert places[0] == places[1]


REPORT = """<!doctype html><meta charset="utf-8"><title>Report</title><style>h1 { color: rgb(1, 2, 3); }</style>
<h1>waiting</h1><a href="lonely.csv">lonely.csv</a><img src="/static/icon.svg" alt="">
<script>
  const reach = async () => { try { await fetch("/livez"); return "reached"; } catch { return "kept apart"; } };
  reach().then((words) => { document.querySelector("h1").textContent = `${origin}, ${words}`; });
</script>"""


def test_the_report_opens_beside_the_matches_and_reaches_nothing(page: Page, api: FakeApi) -> None:
    """Its own style and script work, and its tables can be saved; the page it came from is out of its reach."""
    hits = [hit(name, n, match_probability=1 - n / 10) for n, name in enumerate(("one", "two", "three"), start=1)]
    answer = matches(*hits, calibration={"meaning": "label", "pairs": 340}, report_url="/bundles/x/report/index.html")
    api.replies["POST /search"] = as_json(answer | {"bundle": "20261124-101500-efficientnet-lite0"})
    folder = "GET /bundles/20261124-101500-efficientnet-lite0/report"
    api.replies[f"{folder}/index.html"] = Reply(body=REPORT.encode(), media_type="text/html; charset=utf-8")
    api.replies[f"{folder}/lonely.csv"] = Reply(body=b"id\na\n", media_type="text/csv; charset=utf-8")
    WAYS_TO_SHOW["choose"](page)
    expect(page.locator(".score").first).to_have_text(re.compile(r"^\s*90\s% sure ·\s+0\.91\s*$"))
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="The report").click()
    report = opened.value
    expect(report.get_by_role("heading")).to_have_text("null, kept apart")
    expect(report.get_by_role("heading")).to_have_css("color", "rgb(1, 2, 3)")
    assert report.locator("img").evaluate("(image) => image.naturalWidth") == 0
    with report.expect_download() as saved:
        report.get_by_role("link", name="lonely.csv").click()
    assert saved.value.path().read_bytes() == b"id\na\n"
    expect(page.locator("#matches")).to_have_text("3 closest matches")


@in_matrix
def test_it_works_without_javascript(browser: Browser, address: str, width: int, api: FakeApi) -> None:
    context = browser.new_context(viewport={"width": width, "height": 850}, base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Choose a picture").set_input_files(PICTURE)
    page.get_by_label("Matches").select_option("10")
    page.locator("form.search > button").click()
    expect(page.get_by_role("heading", name="3 closest matches")).to_be_visible()
    assert uploads(api) == [{"file": TALL_PNG, "k": b"10", "metric": b"cosine"}]
    expect(page.get_by_alt_text("The picture you searched with")).to_be_visible()

    page.get_by_role("link", name="Match 3").click()
    refine(page)
    page.get_by_label("Compare by").select_option("euclidean")
    page.locator("form.search > button").click()
    page.wait_for_url("**/search?id=three&k=10&metric=euclidean")
    context.close()
