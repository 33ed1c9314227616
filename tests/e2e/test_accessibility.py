"""Manners: nothing for axe to find, the keyboard is enough, nothing jumps, and it fits where it is shown."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from tests.e2e.conftest import OpenTab, choose
from tests.support.accessibility import BOTH, Scheme, violations
from tests.support.gestures import refine
from tests.support.marks import IN_MATRIX, in_matrix

ITEM = "id=shelf 1/piece-021"


def upload(tab: Page) -> None:
    choose(tab)
    tab.locator(".tile").nth(1).get_by_role("button", name=re.compile("Add to the query")).click()
    expect(tab.get_by_role("list", name="Also like", exact=True)).to_be_visible()


def filters(tab: Page) -> None:
    refine(tab)
    tab.get_by_text("Filters", exact=True).click()
    tab.get_by_text("Search with a part of it").click()
    expect(tab.get_by_label("bowl")).to_be_visible()


def full_size(tab: Page) -> None:
    tab.get_by_role("link", name=re.compile("Full size: ")).first.click()
    expect(tab.get_by_role("dialog")).to_be_visible()


def why(tab: Page) -> None:
    tab.get_by_role("link", name=re.compile("Why")).first.click()
    expect(tab.get_by_role("dialog")).to_be_visible()


STATES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "start": ("/", lambda _: None),
    "matches of an upload": ("/", upload),
    "matches of an item": (f"/search?{ITEM}&label=label-1&sure=50&most.price=20", lambda _: None),
    "groups": (f"/search?{ITEM}&group=label", lambda _: None),
    "no matches": (f"/search?{ITEM}&metric=euclidean&sure=96", lambda _: None),
    "settings and filters": (f"/search?{ITEM}", filters),
    "filters alone": (f"/search/filters?{ITEM}&label=label-1", lambda _: None),
    "full size": (f"/search?{ITEM}", full_size),
    "why, over the page": (f"/search?{ITEM}", why),
    "why, alone": (f"/why?{ITEM}&match=shelf 2/piece-042", lambda _: None),
    "a problem": ("/search?id=nothing", lambda _: None),
    "a link that makes no sense": ("/search?id=one&k=0", lambda _: None),
}


CASES = [pytest.param("settings and filters", ["light"], id="settings and filters, light")]
CASES += [pytest.param(state, BOTH, id=f"{state}, both schemes", marks=IN_MATRIX) for state in STATES]


@pytest.mark.parametrize(("state", "schemes"), CASES)
def test_axe_finds_nothing(open_tab: OpenTab, shop_address: str, state: str, schemes: list[Scheme]) -> None:
    path, reach = STATES[state]
    tab = open_tab(shop_address + path, reduced_motion="reduce")
    reach(tab)
    assert violations(tab, schemes) == []


def test_the_keyboard_alone_leads_from_the_start_to_why(tab: Page) -> None:
    press_until(
        tab, lambda: "Match" not in focused(tab) and tab.evaluate("document.activeElement.closest('.wall') !== null")
    )
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    press_until(tab, lambda: "Why is this a match?" in focused(tab))
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog", name="Why is this a match?")).to_be_visible()
    assert tab.evaluate("document.activeElement.closest('dialog') !== null")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    assert "Why is this a match?" in focused(tab)


def press_until(tab: Page, there: Callable[[], bool]) -> None:
    """Press Tab until it is; each thing on the way shows that it has the focus, and is where it can be seen."""
    for _ in range(80):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement !== document.body"):
            outline = tab.evaluate(
                """() => {
                    const field = document.activeElement;
                    const shown = field.type === "file" ? document.querySelector(`main [for="${field.id}"]`) : field;
                    return getComputedStyle(shown).outlineStyle;
                }"""
            )
            assert outline != "none", focused(tab)
        if there():
            return
    raise AssertionError("it cannot be reached")


def focused(tab: Page) -> str:
    return str(
        tab.evaluate("document.activeElement.textContent + (document.activeElement.querySelector('img')?.alt ?? '')")
    )


@in_matrix
def test_nothing_jumps_while_a_page_arrives(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab()
    tab.context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": 8})  # a slow phone
    tab.add_init_script(
        """window.moved = [];
        new PerformanceObserver((list) => {
            for (const { hadRecentInput, value, sources } of list.getEntries())
                if (!hadRecentInput) moved.push([value, sources.map(({ node }) => node?.outerHTML?.slice(0, 80))]);
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    for path in ("/", f"/search?{ITEM}"):
        tab.goto(shop_address + path)
        tab.wait_for_load_state("networkidle")
        moved = tab.evaluate("moved")
        assert sum(value for value, _ in moved) < 0.01, moved


MATCHES = f"/search?{ITEM}&like=shelf 2/piece-042"
NARROW = [(path, pixels) for path in ("/", MATCHES, f"/why?{ITEM}&match=shelf 2/piece-042") for pixels in (320, 720)]


@pytest.mark.parametrize(
    ("path", "narrow"),
    [(MATCHES, 320), *(pytest.param(*each, marks=IN_MATRIX) for each in NARROW if each != (MATCHES, 320))],
)
def test_narrow_windows_and_zoom_need_no_sideways_scrolling(
    open_tab: OpenTab, shop_address: str, path: str, narrow: int
) -> None:
    tab = open_tab(shop_address + path, viewport={"width": narrow, "height": 450})
    assert tab.evaluate("document.documentElement.scrollWidth") <= narrow


@in_matrix
def test_whoever_wants_no_motion_gets_none(open_tab: OpenTab, shop_address: str) -> None:
    still = open_tab(f"{shop_address}/search?{ITEM}", reduced_motion="reduce")
    lively = open_tab(f"{shop_address}/search?{ITEM}", reduced_motion="no-preference")
    motions = [tab.evaluate("document.getAnimations({ subtree: true }).length") for tab in (still, lively)]
    style = "getComputedStyle(document.querySelector('.hits .frame')).animationName"
    assert (motions[0], still.evaluate(style), lively.evaluate(style)) == (0, "none", "appear")


def test_the_first_page_weighs_less_than_45_kilobytes_as_it_is_sent(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab()
    sizes: list[int] = []

    def weigh(request: Request) -> None:
        if "/pictures/" not in request.url:
            sizes.append(request.sizes()["responseBodySize"] + request.sizes()["responseHeadersSize"])

    tab.on("requestfinished", weigh)
    tab.goto(shop_address)
    tab.wait_for_load_state("networkidle")
    assert 10_000 < sum(sizes) < 45_000


def test_pictures_come_when_they_are_near_and_in_the_right_size(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(f"{shop_address}/search?{ITEM}&k=50", viewport={"width": 390, "height": 500})
    tab.wait_for_load_state("networkidle")
    loaded = tab.locator(".hits img").evaluate_all(
        "(all) => all.filter((each) => each.currentSrc && each.complete).length"
    )
    assert 2 <= loaded < 45
    assert "size=320" in tab.locator(".hits img").first.evaluate("(picture) => picture.currentSrc")
