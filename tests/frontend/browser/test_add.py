"""Adding pictures in a real browser, before a fake API that is full, busy or slow."""

from playwright.sync_api import Page, expect

from tests.frontend.browser.conftest import files
from tests.frontend.fake_api import FakeApi, ReceivedRequest, Reply, problem


def test_what_concerns_all_pictures_stops_adding_until_one_goes_on(tab: Page, api: FakeApi) -> None:
    well = api.replies["POST /items"]
    api.replies["POST /items"] = problem(507, code="storage_full", detail="Full.")
    tab.goto("/add/")
    tab.set_input_files("#files", files("a.png", "b.png", "c.png"))
    tab.get_by_role("button", name="Add 3 pictures").click()
    expect(tab.get_by_role("alert")).to_contain_text("The storage of the service is full")
    expect(tab.locator("[data-counts]")).to_have_text("0 of 3: 0 added, 3 to go.")
    api.replies["POST /items"] = well
    tab.get_by_role("button", name="Continue").click()
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
    tab.set_input_files("#files", files("a.png"))
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
    expect(tab.get_by_role("button", name="Continue")).to_be_visible()
    expect(tab.locator("[data-counts]")).to_contain_text("to go")
