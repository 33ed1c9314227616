"""Duplicates and adding in a real browser, before a fake API that can do what a real one rarely does."""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_accessibility import violations
from tests.frontend.attack_texts import ATTACKS
from tests.frontend.fake_api import TALL_PNG, FakeApi, ReceivedRequest, Reply, as_json, hit, item, matches, problem
from tests.frontend.fake_catalogue import IDS, cluster, drift, duplicates, fill
from tests.gestures import wait_until

RUNNING = {"state": "running", "step": "reading", "done": 3, "total": 9}
GROUPS = duplicates(
    [item("one")],
    total_groups=2,
    groups=[
        {"keep": "one", "why": "the sharpest", "members": [item("one"), item("two")], "probability": None},
        {"keep": "three", "why": "the largest", "members": [item("three"), item("four")], "probability": None},
    ],
)


@pytest.fixture(params=[390, 1440])
def tab(browser: Browser, address: str, api: FakeApi, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab; at the end, nothing may have gone wrong behind it."""
    fill(api)
    api.replies["GET /duplicates"] = as_json(GROUPS)
    context = browser.new_context(viewport={"width": request.param, "height": 850}, base_url=address)
    opened, mistakes = context.new_page(), []
    opened.on("pageerror", lambda error: mistakes.append(str(error)))
    opened.on("console", lambda said: mistakes.append(said.text) if "Security Policy" in said.text else None)
    yield opened
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    assert mistakes == []


def deletions(api: FakeApi) -> list[str]:
    return [request.target for request in api.requests if request.method == "DELETE"]


def frozen(tab: Page, path: str) -> None:
    """Go there; from then on, time goes on only when the test says so."""
    tab.clock.install(time=datetime(2026, 1, 1))
    tab.goto(path)
    tab.clock.pause_at(datetime(2026, 1, 2))


def files(*names: str) -> list[dict[str, object]]:
    return [{"name": name, "mimeType": "image/png", "buffer": TALL_PNG} for name in names]


def test_groups_appear_when_the_search_is_over(tab: Page, api: FakeApi) -> None:
    api.replies["GET /duplicates"] = as_json(RUNNING, 202)
    tab.goto("/duplicates/")
    expect(tab.get_by_text("3 of 9")).to_be_visible()
    api.replies["GET /duplicates"] = as_json(RUNNING | {"done": 7}, 202)
    expect(tab.get_by_text("7 of 9")).to_be_visible()
    api.replies["GET /duplicates"] = as_json(GROUPS)
    expect(tab.get_by_role("heading", name="2 groups")).to_be_visible()
    expect(tab.get_by_role("button", name="Delete 2 ticked pictures")).to_be_visible()


def test_the_button_says_how_many_go_and_whether_any_stays(tab: Page) -> None:
    tab.goto("/duplicates/?tier=same_thing")
    button = tab.locator("[data-delete]")
    expect(button).to_be_disabled()
    tab.get_by_label("Delete two").check()
    expect(button).to_have_text("Delete 1 ticked picture")
    tab.get_by_label("Delete one").check()
    expect(button).to_have_text("Delete 2 ticked pictures, all of 1 group")


def test_ticked_pictures_are_deleted_unless_it_is_undone(tab: Page, api: FakeApi) -> None:
    api.replies["DELETE /item?id=four"] = Reply(204)
    frozen(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 ticked pictures").click()
    tab.clock.fast_forward(7_000)
    tab.get_by_role("button", name="Undo").click()
    tab.clock.fast_forward(60_000)
    expect(tab.locator(".pending-delete")).to_have_count(0)
    assert deletions(api) == []

    tab.get_by_role("button", name="Delete 2 ticked pictures").click()
    tab.clock.fast_forward(8_100)
    expect(tab.locator("[data-group]")).to_have_count(0)
    assert deletions(api) == ["/item?id=two", "/item?id=four"]


def test_time_stands_still_while_one_is_at_the_bar(tab: Page, api: FakeApi) -> None:
    api.replies["DELETE /item?id=four"] = Reply(204)
    frozen(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 ticked pictures").click()
    undo = tab.get_by_role("button", name="Undo")
    undo.focus()
    tab.clock.fast_forward(60_000)
    undo.blur()
    tab.get_by_text("will be deleted").hover()
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


def test_the_bar_of_what_is_over_holds_nothing_up(tab: Page, api: FakeApi) -> None:
    api.replies["DELETE /item?id=two"] = problem(403, code="insufficient_scope")
    frozen(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 ticked pictures").click()
    tab.clock.fast_forward(8_100)
    over = tab.get_by_text("Not everything was deleted.")
    expect(over).to_be_visible()
    api.replies |= {f"DELETE /item?id={name}": Reply(204) for name in ("two", "four")}
    tab.get_by_role("button", name="Delete 2 ticked pictures").press("Enter")
    over.dispatch_event("pointermove")
    tab.clock.fast_forward(8_100)
    expect(tab.locator("[data-group]")).to_have_count(0)


def test_more_than_a_browser_takes_along_is_deleted_too(tab: Page, api: FakeApi) -> None:
    long = [f"{'x' * 121}/{n:05}" for n in range(481)]
    members = [item(each, label="cup") for each in long]
    groups = [{"keep": long[0], "why": "the first", "members": members, "probability": None}]
    api.replies["GET /duplicates"] = as_json(duplicates(members, total_groups=1, groups=groups))
    api.replies |= {f"DELETE /item?id={quote(each, safe='')}": Reply(204) for each in long}
    frozen(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 480 ticked pictures").click()
    expect(tab.get_by_text("480 pictures will be deleted in 8 seconds.", exact=True)).to_be_visible()
    tab.clock.fast_forward(8_100)
    expect(tab.locator("[data-group]")).to_have_count(0)
    assert len(deletions(api)) == 480


def test_leaving_the_page_deletes_at_once(tab: Page, api: FakeApi) -> None:
    api.replies["DELETE /item?id=four"] = Reply(204)
    tab.goto("/duplicates/")
    tab.get_by_role("button", name="Delete 2 ticked pictures").click()
    tab.get_by_role("link", name="Browse").click()
    wait_until(lambda: len(deletions(api)) == 2)


def test_what_could_not_be_deleted_stays_and_is_said(tab: Page, api: FakeApi) -> None:
    api.replies["DELETE /item?id=two"] = problem(403, code="insufficient_scope")
    frozen(tab, "/duplicates/")
    tab.get_by_role("button", name="Delete 2 ticked pictures").click()
    tab.clock.fast_forward(8_100)
    expect(tab.get_by_text("Not everything was deleted. The search service does not let this page in")).to_be_visible()
    expect(tab.locator("[data-group]")).to_have_count(2)
    expect(tab.locator(".pending-delete")).to_have_count(0)


def test_what_are_no_duplicates_leaves_the_page_and_the_focus_goes_on(tab: Page, api: FakeApi) -> None:
    tab.goto("/duplicates/")
    tab.get_by_role("button", name=re.compile("Not duplicates ?: group 1")).click()
    expect(tab.locator("[data-group]")).to_have_count(1)
    expect(tab.get_by_role("button", name=re.compile("Not duplicates ?: group 2"))).to_be_focused()
    assert [request.json for request in api.requests if request.target == "/duplicates/dismissed"] == [
        {"ids": ["one", "two"]}
    ]


def test_what_concerns_all_pictures_stops_adding_until_one_goes_on(tab: Page, api: FakeApi) -> None:
    well = api.replies["POST /items"]
    api.replies["POST /items"] = problem(507, code="storage_full", detail="Full.")
    tab.goto("/add/")
    tab.set_input_files("#files", files("a.png", "b.png", "c.png"))  # type: ignore[arg-type]
    tab.get_by_role("button", name="Add 3 pictures").click()
    expect(tab.get_by_role("alert")).to_contain_text("The service has no room left")
    expect(tab.locator("[data-counts]")).to_have_text("0 of 3: 0 added, 3 to go.")
    api.replies["POST /items"] = well
    tab.get_by_role("button", name="Go on").click()
    expect(tab.locator("[data-counts]")).to_have_text("3 of 3: 3 added.")
    expect(tab.get_by_role("alert")).to_have_count(0)


def test_a_busy_service_is_asked_again_by_itself(tab: Page, api: FakeApi) -> None:
    well = api.replies.pop("POST /items")
    busy = [problem(503, code="overloaded", **{"Retry-After": "1"}) for _ in range(2)]
    fallback = api.fallback
    api.fallback = lambda request: (
        (busy.pop() if busy else well) if (request.method, request.target) == ("POST", "/items") else fallback(request)
    )
    tab.goto("/add/")
    tab.set_input_files("#files", files("a.png"))  # type: ignore[arg-type]
    tab.get_by_role("button", name="Add 1 picture").click()
    expect(tab.locator("[data-counts]")).to_have_text("1 of 1: 1 added.")
    assert not busy


def test_dropped_pictures_are_chosen_and_stop_stops(tab: Page, api: FakeApi) -> None:
    held: list[Reply] = [Reply(hangs=True), Reply(hangs=True)]
    well = api.replies.pop("POST /items")
    fallback = api.fallback

    def answer(request: ReceivedRequest) -> Reply:
        if (request.method, request.target) != ("POST", "/items"):
            return fallback(request)
        return held.pop() if held else well

    api.fallback = answer
    tab.goto("/add/")
    tab.evaluate(
        """() => {
            const transfer = new DataTransfer();
            for (const name of ["a.png", "b.png", "c.png"]) {
                transfer.items.add(new File(["x"], name, { type: "image/png" }));
            }
            const dropped = { dataTransfer: transfer, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("drop", dropped));
        }"""
    )
    tab.get_by_role("button", name="Add 3 pictures").click()
    expect(tab.locator(".in-progress li")).to_have_count(2)
    tab.get_by_role("button", name="Stop").click()
    api.over.set()
    expect(tab.get_by_role("button", name="Go on")).to_be_visible()
    expect(tab.locator("[data-counts]")).to_contain_text("to go")


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("/duplicates/", GROUPS),
        ("/duplicates/", GROUPS | {"groups": [], "total_groups": 0}),
        ("/duplicates/?tier=same_thing", GROUPS | {"stale": True, "unreadable": 2, "next": "/duplicates?offset=20"}),
    ],
    ids=["groups", "none", "stale"],
)
def test_axe_finds_nothing(tab: Page, api: FakeApi, path: str, reply: dict[str, object]) -> None:
    api.replies["GET /duplicates"] = as_json(reply)
    tab.emulate_media(reduced_motion="reduce")
    tab.goto(path)
    assert violations(tab) == []
    if reply["groups"]:
        tab.get_by_label("Delete two").check()
        tab.locator("[data-delete]").click()
        assert violations(tab) == []


@pytest.mark.parametrize("bypass_csp", [False, True], ids=["with the policy", "without the policy"])
def test_no_text_runs(browser: Browser, address: str, api: FakeApi, bypass_csp: bool) -> None:
    """150 of them, as ids, labels, attributes, reasons and bundles, also where scripts show them."""
    fill(api, ATTACKS[0])
    shown = [item(attack, label=attack, attributes={attack: attack}) for attack in ATTACKS]
    points = [{"id": each["id"], "x": n, "y": n % 9, "label": each["label"]} for n, each in enumerate(shown)]
    groups = [{"keep": each["id"], "why": each["id"], "members": [each, each], "probability": None} for each in shown]
    hits = [hit(attack, n, label=attack) for n, attack in enumerate(ATTACKS[:100], start=1)]
    clusters = [cluster(n, each) for n, each in enumerate(shown)]
    api.replies |= {
        "GET /items": as_json({"items": shown, "total": 150, "next": "/items?cursor=NEXT"}),
        "GET /map": as_json({"points": points, "total": 150}),
        "GET /clusters": as_json({"clusters": clusters, "drift": drift(ATTACKS[1])}),
        "GET /duplicates": as_json(duplicates(shown, total_groups=150, groups=groups)),
        "POST /search": as_json(matches(*hits, bundle=ATTACKS[2])),
        "POST /items": problem(422, title=ATTACKS[3], detail=ATTACKS[4]),
    }
    context = browser.new_context(base_url=address, bypass_csp=bypass_csp)
    tab, dialogs = context.new_page(), []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    tab.goto("/browse/")
    expect(tab.locator(".tile")).to_have_count(150)
    tab.get_by_role("link", name="Show more").click()
    expect(tab.locator(".tile")).to_have_count(300)
    for path in ("/browse/clusters", "/items/?id=one", "/duplicates/", "/models/", "/models/compare?id=one&k=50"):
        tab.goto(path)
    tab.goto("/browse/map")
    expect(tab.locator(".nearest a")).to_have_count(10)
    tab.locator("canvas").hover()
    for button in tab.locator(".legend button").all():
        button.click()
    tab.goto("/add/")
    tab.set_input_files("#files", files("<img src=x onerror=alert(1)>.png"))  # type: ignore[arg-type]
    tab.get_by_role("button", name="Add 1 picture").click()
    expect(tab.locator(".refused")).to_contain_text("<img src=x")
    expect(tab.locator(".refused")).to_contain_text(ATTACKS[4])
    tab.wait_for_load_state("networkidle")
    assert not tab.frames[1:], "no frame was opened"
    context.close()
    assert dialogs == []


def test_a_map_that_does_not_come_says_so(tab: Page, api: FakeApi) -> None:
    api.replies["GET /map"] = problem(503, code="overloaded")
    tab.goto("/browse/map")
    expect(tab.locator("#map-status")).to_contain_text("could not be fetched")
    api.replies["GET /map"] = as_json({"points": [], "total": 0})
    tab.reload()
    expect(tab.locator("#map-status")).to_contain_text("the catalogue is empty")


def test_all_points_in_one_place_can_be_looked_at(tab: Page, api: FakeApi) -> None:
    points = [{"id": name, "x": 0.5, "y": 0.5, "label": None} for name in IDS]
    api.replies["GET /map"] = as_json({"points": points, "total": 3})
    tab.goto("/browse/map")
    expect(tab.locator(".nearest a")).to_have_count(3)
    tab.locator("canvas").press("+")
    expect(tab.locator("#map-status")).to_have_text("3 pictures")
