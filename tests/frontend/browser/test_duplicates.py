"""Duplicates in a real browser, before a fake API that can do what a real one rarely does."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.fake_api import FakeApi, as_json, item, problem
from tests.frontend.fake_catalogue import duplicates
from tests.support.accessibility import violations
from tests.support.marks import in_matrix

RUNNING = {"state": "running", "step": "reading", "done": 3, "total": 9}
GROUPS = duplicates(
    [item("one")],
    total_groups=2,
    groups=[
        {"keep": "one", "why": "the sharpest", "members": [item("one"), item("two")], "probability": None},
        {"keep": "three", "why": "the largest", "members": [item("three"), item("four")], "probability": None},
    ],
)


@pytest.fixture(autouse=True)
def groups(tab: Page, api: FakeApi) -> None:
    """Two groups of duplicates; `tab` has filled the API before."""
    api.replies["GET /duplicates"] = as_json(GROUPS)


def deletions(api: FakeApi) -> list[str]:
    """Of whole groups at once, of copies together with what is known of them."""
    merged = [request.json["delete"] for request in api.requests if request.target == "/duplicates/merge"]
    single = [request.target for request in api.requests if request.method == "DELETE"]
    listed = [request.json["ids"] for request in api.requests if request.target == "/items/delete"]
    return [*single, *(f"/item?id={each}" for ids in (*listed, *merged) for each in ids)]


def stop_clock(tab: Page, path: str) -> None:
    """Open a path; from then on, time passes only when the test says so."""
    tab.clock.install(time=datetime(2026, 1, 1))
    tab.goto(path)
    tab.clock.pause_at(datetime(2026, 1, 2))


def test_groups_appear_when_the_search_is_over(tab: Page, api: FakeApi) -> None:
    api.replies["GET /duplicates"] = as_json(RUNNING, 202)
    tab.goto("/duplicates/")
    expect(tab.get_by_text("3 of 9")).to_be_visible()
    api.replies["GET /duplicates"] = as_json(RUNNING | {"done": 7}, 202)
    expect(tab.get_by_text("7 of 9")).to_be_visible()
    api.replies["GET /duplicates"] = as_json(GROUPS)
    expect(tab.get_by_role("heading", name="2 groups")).to_be_visible()
    expect(tab.get_by_role("button", name="Delete 2 selected pictures")).to_be_visible()


def test_the_button_says_how_many_go_and_whether_any_stays(tab: Page) -> None:
    tab.goto("/duplicates/?tier=same_thing")
    button = tab.locator("[data-delete]")
    expect(button).to_be_disabled()
    tab.get_by_label("Delete two").check()
    expect(button).to_have_text("Delete 1 selected picture")
    tab.get_by_label("Delete one").check()
    expect(button).to_have_text("Delete 2 selected pictures, all of 1 group")


def test_ticked_pictures_are_deleted_unless_it_is_undone(tab: Page, api: FakeApi) -> None:
    stop_clock(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 selected pictures").click()
    tab.clock.fast_forward(7_000)
    tab.get_by_role("button", name="Undo").click()
    tab.clock.fast_forward(60_000)
    expect(tab.locator(".pending-delete")).to_have_count(0)
    assert deletions(api) == []

    tab.get_by_role("button", name="Delete 2 selected pictures").click()
    tab.clock.fast_forward(8_100)
    expect(tab.locator("[data-group]")).to_have_count(0)
    assert deletions(api) == ["/item?id=two", "/item?id=four"]


def test_time_stands_still_while_one_is_at_the_bar(tab: Page, api: FakeApi) -> None:
    stop_clock(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 selected pictures").click()
    undo = tab.get_by_role("button", name="Undo")
    undo.focus()
    tab.clock.fast_forward(60_000)
    undo.blur()
    tab.get_by_text("will be deleted in").hover()
    tab.clock.fast_forward(60_000)
    expect(tab.locator(".pending-delete")).to_have_count(2)
    assert deletions(api) == []
    undo.focus()
    tab.mouse.move(5, 5)
    tab.clock.fast_forward(60_000)
    expect(tab.locator(".pending-delete")).to_have_count(2)
    assert deletions(api) == []
    undo.blur()
    tab.clock.fast_forward(8_100)
    expect(tab.locator("[data-group]")).to_have_count(0)
    assert deletions(api) == ["/item?id=two", "/item?id=four"]


@in_matrix
def test_the_bar_of_what_is_over_makes_room_for_the_next(tab: Page, api: FakeApi) -> None:
    api.replies["POST /duplicates/merge"] = problem(403, code="insufficient_scope")
    stop_clock(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 selected pictures").click()
    tab.clock.fast_forward(8_100)
    over = tab.get_by_text("Not everything was deleted.")
    expect(over).to_be_visible()
    api.replies["POST /duplicates/merge"] = as_json({"item": item("one"), "deleted": 1})
    tab.get_by_role("button", name="Delete 2 selected pictures").press("Enter")
    expect(over).to_have_count(0)
    tab.clock.fast_forward(8_100)
    expect(tab.locator("[data-group]")).to_have_count(0)


def test_many_are_deleted_only_after_a_question_with_numbers(tab: Page, api: FakeApi) -> None:
    long = [f"{'x' * 121}/{n:05}" for n in range(481)]  # more than a browser sends after a page is left
    members = [item(each, label="cup") for each in long]
    groups = [{"keep": long[0], "why": "the first", "members": members, "probability": None}]
    api.replies["GET /duplicates"] = as_json(duplicates(members, total_groups=1, groups=groups))
    tab.goto("/duplicates/")
    tab.locator("[data-delete]").click()
    question = tab.get_by_role("dialog", name="Delete 480 pictures?")
    expect(question).to_contain_text("They are in 1 group. 1 picture of them is kept.")
    assert violations(tab, ["light"]) == []
    question.get_by_role("button", name="Keep them").click()
    expect(question).to_have_count(0)
    expect(tab.get_by_text("will be deleted")).to_have_count(0)
    tab.locator("[data-delete]").click()
    question.get_by_role("button", name="Delete 480 pictures").click()
    expect(tab.get_by_text("480 pictures will be deleted in 8 seconds.")).to_be_visible()
    tab.get_by_role("button", name="Delete now").click()
    expect(tab.locator("[data-group]")).to_have_count(0)
    assert len(deletions(api)) == 480


def test_leaving_the_page_cancels_the_deletion(tab: Page, api: FakeApi) -> None:
    stop_clock(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 selected pictures").click()
    expect(tab.get_by_text("Leaving this page cancels it.")).to_be_visible()
    tab.get_by_role("link", name="Browse").click()
    expect(tab.locator(".wall").first).to_be_visible()
    tab.clock.fast_forward(60_000)
    tab.go_back()
    expect(tab.locator("[data-group]")).to_have_count(2)
    tab.clock.fast_forward(60_000)
    expect(tab.locator(".pending-delete")).to_have_count(0)
    assert deletions(api) == []


def test_what_is_deleted_can_be_brought_back_where_it_was(tab: Page, api: FakeApi) -> None:
    tab.goto("/duplicates/")
    tab.get_by_role("button", name="Delete 2 selected pictures").click()
    tab.get_by_role("button", name="Delete now").click()
    expect(tab.get_by_text("2 pictures are in the bin.")).to_be_visible()
    expect(tab.get_by_role("link", name="Open the bin")).to_have_attribute("href", "/bin/")
    tab.get_by_role("button", name="Restore").click()
    expect(tab.locator("[data-group]")).to_have_count(2)
    assert [request.json for request in api.requests if request.target == "/bin/restore"] == [{"ids": ["two", "four"]}]


def test_what_could_not_be_deleted_stays_and_is_said(tab: Page, api: FakeApi) -> None:
    api.replies["POST /duplicates/merge"] = problem(403, code="insufficient_scope")
    stop_clock(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 selected pictures").click()
    tab.clock.fast_forward(8_100)
    expect(
        tab.get_by_text("Not everything was deleted. The search service refuses the key of this page")
    ).to_be_visible()
    expect(tab.locator("[data-group]")).to_have_count(2)
    expect(tab.locator(".pending-delete")).to_have_count(0)


def test_ticks_are_still_there_after_a_look_at_a_picture(tab: Page) -> None:
    tab.goto("/duplicates/?tier=same_picture")
    tab.get_by_label("Delete two").check()
    tab.locator("[data-group] .frame").first.click()
    expect(tab.get_by_role("button", name="Save")).to_be_visible()
    tab.goto("/duplicates/?tier=same_picture")
    expect(tab.get_by_label("Delete two")).to_be_checked()
    expect(tab.locator("[data-delete]")).to_have_text("Delete 1 selected picture")


def test_two_copies_are_compared_over_each_other(tab: Page) -> None:
    tab.goto("/duplicates/?tier=same_picture")
    tab.get_by_role("button", name="Compare two with one").click()
    dialog = tab.get_by_role("dialog", name="Two copies compared")
    over, slider = dialog.get_by_alt_text("The other copy"), dialog.get_by_role("slider")
    slider.fill("25")
    assert over.evaluate("(image) => getComputedStyle(image).clipPath") == "inset(0px 75% 0px 0px)"
    dialog.get_by_role("button", name="Overlay").click()
    assert over.evaluate("(image) => getComputedStyle(image).opacity") == "0.25"
    dialog.get_by_role("button", name="Side by side").click()
    expect(slider).to_be_hidden()
    assert violations(tab, ["light"]) == []
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)


def test_what_are_no_duplicates_leaves_the_page_and_the_focus_goes_on(tab: Page, api: FakeApi) -> None:
    tab.goto("/duplicates/")
    tab.get_by_role("button", name=re.compile("Not duplicates ?: Group 1")).click()
    expect(tab.locator("[data-group]")).to_have_count(1)
    expect(tab.get_by_role("button", name=re.compile("Not duplicates ?: Group 2"))).to_be_focused()
    assert [request.json for request in api.requests if request.target == "/duplicates/dismissed"] == [
        {"ids": ["one", "two"]}
    ]


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("/duplicates/", GROUPS),
        ("/duplicates/", GROUPS | {"groups": [], "total_groups": 0}),
        ("/duplicates/?tier=same_thing", GROUPS | {"stale": True, "unreadable": 2, "next": "/duplicates?offset=20"}),
    ],
    ids=["groups", "none", "stale"],
)
@in_matrix
def test_axe_finds_nothing(tab: Page, api: FakeApi, path: str, reply: dict[str, object]) -> None:
    api.replies["GET /duplicates"] = as_json(reply)
    tab.emulate_media(reduced_motion="reduce")
    tab.goto(path)
    assert violations(tab) == []
    if reply["groups"]:
        tab.get_by_label("Delete two").check()
        tab.locator("[data-delete]").click()
        assert violations(tab) == []
