"""Looking through the catalogue on the real page before the real API, on a phone and on a desk."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenTab
from tests.e2e.shop import PIECES
from tests.support.bundles import pieces
from tests.support.marks import in_matrix


def test_filters_and_order_narrow_the_wall_and_come_off_again(
    open_tab: OpenTab, catalogue_address: str, width: int
) -> None:
    tab = open_tab(f"{catalogue_address}/browse/")
    tiles = tab.locator(".wall > .tile")
    expect(tiles).to_have_count(60)
    tab.get_by_role("link", name="Show more").click()
    expect(tab.locator("[data-load-more]")).to_have_count(0)
    assert tiles.count() >= PIECES

    if width < 960:
        tab.get_by_text("Filters", exact=True).click()
    tab.locator("input[name=label][value=label-1]").check()
    tab.get_by_label("Order by").select_option("-attributes.price")
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(tab.get_by_role("list", name="Filters that are on")).to_contain_text("label-1")
    shown = tiles.evaluate_all("(tiles) => tiles.map((tile) => tile.dataset.id)")
    right = [piece for piece in pieces(PIECES) if piece.label == "label-1"]
    right.sort(key=lambda piece: -float(piece.attributes["price"]))
    assert shown == [piece.id for piece in right]
    tab.get_by_role("link", name=re.compile("^label-1 ?, take this filter off")).click()
    expect(tiles).to_have_count(60)


def test_from_a_cluster_to_a_picture_to_its_likes(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/browse/clusters")
    assert 2 <= tab.locator(".cell").count() <= 6
    tab.locator(".cell").first.click()
    expect(tab.get_by_role("heading", name=re.compile(r"Cluster \d"))).to_be_visible()
    tab.locator(".wall .frame").first.click()
    tab.get_by_role("link", name="More like this").click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()


def test_the_map_is_moved_by_keys_buttons_and_pointer_and_leads_to_pictures(
    open_tab: OpenTab, catalogue_address: str
) -> None:
    tab = open_tab(f"{catalogue_address}/browse/map")
    expect(tab.locator("#map-status")).to_have_text(re.compile(r"^\d+ pictures$"))
    canvas = tab.locator("canvas")
    blank = tab.evaluate("(wide) => { const c = document.createElement('canvas'); return c.toDataURL().length; }", 1)
    looks = [canvas.evaluate("(canvas) => canvas.toDataURL()")]
    assert len(looks[0]) > 4 * blank
    changes: list[Callable[[], None]] = [
        lambda: canvas.press("+"),
        lambda: canvas.press("ArrowRight"),
        lambda: tab.get_by_role("button", name="Zoom in").click(),
        tab.get_by_role("list", name="Show one label alone").get_by_role("button").first.click,
        lambda: drag(tab),
    ]
    for change in changes:
        change()
        tab.wait_for_function("(before) => document.querySelector('canvas').toDataURL() !== before", arg=looks[-1])
        tab.wait_for_timeout(400)  # until thumbnails have come, and the list below has been made
        looks.append(canvas.evaluate("(canvas) => canvas.toDataURL()"))
    tab.get_by_role("list", name="Show one label alone").get_by_role("button").first.click()
    canvas.press("0")
    expect(tab.locator(".nearest a")).to_have_count(10)
    tab.locator(".nearest a").first.click()
    expect(tab.get_by_role("link", name="More like this")).to_be_visible()


def drag(tab: Page) -> None:
    box = tab.locator("canvas").bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + 100, box["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 180, box["y"] + 140, steps=4)
    tab.mouse.up()


@in_matrix
def test_a_click_on_the_map_opens_the_picture_there(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/browse/map")
    expect(tab.locator(".nearest a")).to_have_count(10)
    box = tab.locator("canvas").bounding_box()
    assert box is not None
    # All of it is shown about its middle: the point farthest to the left lies one margin from the edge it bounds.
    spot = tab.evaluate(
        """async (margin) => {
            const { points } = await (await fetch(document.querySelector("[data-map]").dataset.map)).json();
            const [xs, ys] = [points.map((point) => point[1]), points.map((point) => point[2])];
            const { clientWidth: wide, clientHeight: high } = document.querySelector("canvas");
            const [left, right, low, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
            const scale = Math.min((wide - 2 * margin) / (right - left), (high - 2 * margin) / (top - low));
            const [id, x, y] = points.find((point) => point[1] === left);
            return [id, wide / 2 + (x - (left + right) / 2) * scale, high / 2 - (y - (low + top) / 2) * scale];
        }""",
        32,
    )
    tab.mouse.move(box["x"] + spot[1], box["y"] + spot[2])
    expect(tab.locator(".tip")).to_be_visible()
    tab.mouse.click(box["x"] + spot[1], box["y"] + spot[2])
    expect(tab.locator(".item-details .how")).to_contain_text(spot[0])


@in_matrix
def test_browsing_without_a_script(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/browse/", java_script_enabled=False)
    tab.get_by_role("link", name="Show more").click()
    expect(tab.get_by_role("link", name="From the beginning")).to_be_visible()
    tab.goto(f"{catalogue_address}/browse/map")
    expect(tab.get_by_text("needs JavaScript")).to_be_visible()
    tab.locator(".cell").first.click()
    expect(tab.get_by_role("heading", name=re.compile(r"Cluster \d"))).to_be_visible()
