"""Browse, add, change, delete and compare, on the real page before the real API, on a phone and on a desk."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.bundles import picture, pieces, write_artifacts
from tests.conftest import free_port, serving
from tests.e2e.conftest import OpenTab
from tests.e2e.test_manners import RULES

PIECES = 70
OLD, NEW = "20261120-older", "20261124-newer"
seeds = count(1000)  # of pictures that are not in the shop yet


@pytest.fixture(scope="module")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page over a shop of its own that tests may change, with two models loaded."""
    artifacts = tmp_path_factory.mktemp("shelves")
    write_artifacts(artifacts, pieces(PIECES), bundle_id=NEW, seed=8, publish=False)
    write_artifacts(artifacts, pieces(PIECES), bundle_id=OLD)
    api_port, ui_port = free_port(), free_port()
    with (
        serving("api", api_port, "/readyz", artifacts=artifacts, api_port=api_port, bundles="all") as api,
        serving("frontend", ui_port, "/readyz", api_url=api, ui_port=ui_port) as address,
    ):
        yield address


def fresh(name: str = "new.jpg") -> dict[str, Any]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": picture(next(seeds), width=200, height=150)}


def status(address: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(address).status_code


def added(tab: Page, address: str) -> str:
    """The page of a picture that has just been added."""
    tab.goto(f"{address}/add/")
    tab.set_input_files("#files", [fresh()])
    tab.get_by_role("button", name="Add 1 picture").click()
    link = tab.locator(".added a").first
    expect(link).to_be_visible()
    tab.goto(address + (link.get_attribute("href") or ""))
    return tab.url


def test_filters_and_order_narrow_the_wall_and_come_off_again(open_tab: OpenTab, shelves: str, width: int) -> None:
    tab = open_tab(f"{shelves}/browse/")
    tiles = tab.locator(".wall > .tile")
    expect(tiles).to_have_count(60)
    tab.get_by_role("link", name="Show more").click()
    expect(tab.locator("[data-further]")).to_have_count(0)
    assert tiles.count() >= PIECES

    if width < 960:
        tab.get_by_text("Filters", exact=True).click()
    tab.get_by_label("label-1").check()
    tab.get_by_label("Order by").select_option("-attributes.price")
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(tab.get_by_role("list", name="Filters that are on")).to_contain_text("label-1")
    shown = tiles.evaluate_all("(tiles) => tiles.map((tile) => tile.dataset.id)")
    right = [piece for piece in pieces(PIECES) if piece.label == "label-1"]
    right.sort(key=lambda piece: -float(piece.attributes["price"]))
    assert shown == [piece.id for piece in right]
    tab.get_by_role("link", name=re.compile("^label-1 ?, take this filter off")).click()
    expect(tiles).to_have_count(60)


def test_from_a_cluster_to_a_picture_to_its_likes(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab(f"{shelves}/browse/clusters")
    assert 2 <= tab.locator(".cell").count() <= 6
    tab.locator(".cell").first.click()
    expect(tab.get_by_role("heading", name=re.compile(r"Cluster \d"))).to_be_visible()
    tab.locator(".wall .frame").first.click()
    tab.get_by_role("link", name="More like this").click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()


def test_the_map_is_moved_by_keys_buttons_and_pointer_and_leads_to_pictures(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab(f"{shelves}/browse/map")
    expect(tab.locator("#told")).to_have_text(re.compile(r"^\d+ pictures$"))
    canvas = tab.locator("canvas")
    blank = tab.evaluate("(wide) => { const c = document.createElement('canvas'); return c.toDataURL().length; }", 1)
    looks = [canvas.evaluate("(canvas) => canvas.toDataURL()")]
    assert len(looks[0]) > 4 * blank
    changes: list[Callable[[], None]] = [
        lambda: canvas.press("+"),
        lambda: canvas.press("ArrowRight"),
        lambda: tab.get_by_role("button", name="Closer").click(),
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


def test_a_click_on_the_map_opens_the_picture_there(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab(f"{shelves}/browse/map")
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
    expect(tab.locator(".facts .how")).to_contain_text(spot[0])


def test_browsing_without_a_script(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab(f"{shelves}/browse/", java_script_enabled=False)
    tab.get_by_role("link", name="Show more").click()
    expect(tab.get_by_role("link", name="From the beginning")).to_be_visible()
    tab.goto(f"{shelves}/browse/map")
    expect(tab.get_by_text("drawn by a script")).to_be_visible()
    tab.locator(".cell").first.click()
    expect(tab.get_by_role("heading", name=re.compile(r"Cluster \d"))).to_be_visible()


def test_pictures_are_added_each_by_itself_and_found_at_once(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab(f"{shelves}/add/")
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    tab.set_input_files("#files", [fresh("a.jpg"), broken, fresh("b.jpg")])
    tab.get_by_label("Label", exact=True).fill("brand new")
    tab.get_by_label("Name", exact=True).fill("price")
    tab.get_by_label("Is a").select_option("number")
    tab.get_by_label("Value").fill("12.5")
    tab.get_by_role("button", name="Add 3 pictures").click()
    expect(tab.locator("[data-counts]")).to_have_text("3 of 3: 2 added, 1 not added.")
    expect(tab.locator(".refused")).to_contain_text("broken.jpg")
    expect(tab.locator(".refused")).to_contain_text("Save it as JPEG")
    tab.locator(".added a").first.click()
    expect(tab.get_by_role("heading", name="brand new")).to_be_visible()
    expect(tab.get_by_label("Value").first).to_have_value("12.5")
    address = tab.url
    tab.get_by_role("link", name="More like this").click()
    expect(tab.get_by_role("heading", name="20 closest matches")).to_be_visible()
    assert status(address) == 200


def test_a_folder_gives_its_pictures_labels(open_tab: OpenTab, shelves: str, tmp_path: Path) -> None:
    for folder in ("jugs", "plates"):
        (tmp_path / "shop" / folder).mkdir(parents=True)
        (tmp_path / "shop" / folder / "1.jpg").write_bytes(fresh()["buffer"])
    (tmp_path / "shop" / ".hidden").write_text("of no interest")
    tab = open_tab(f"{shelves}/add/")
    tab.set_input_files("#folder", tmp_path / "shop")
    tab.get_by_label("Label each picture with the name of its folder").check()
    tab.get_by_role("button", name="Add 2 pictures").click()
    expect(tab.locator("[data-counts]")).to_have_text("2 of 2: 2 added.")
    expect(tab.locator(".added a")).to_have_count(2)
    assert {link.get_attribute("title") for link in tab.locator(".added a").all()} == {
        "shop/jugs/1.jpg",
        "shop/plates/1.jpg",
    }
    tab.locator(".added a[title='shop/jugs/1.jpg']").click()
    expect(tab.get_by_role("heading", name="jugs")).to_be_visible()


def test_adding_without_a_script(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab(f"{shelves}/add/", java_script_enabled=False)
    twice = fresh("twice.jpg")
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    tab.set_input_files("#files", [twice, broken, twice])
    tab.get_by_label("Label", exact=True).fill("plain")
    tab.get_by_role("button", name="Add them").click()
    expect(tab.get_by_role("heading", name="1 picture is added")).to_be_visible()
    expect(tab.get_by_text("1 was in the catalogue already")).to_be_visible()
    expect(tab.get_by_text("broken.jpg")).to_be_visible()
    tab.locator(".wall .frame").click()
    expect(tab.get_by_role("heading", name="plain")).to_be_visible()


def test_what_is_known_of_a_picture_is_changed(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab()
    added(tab, shelves)
    tab.get_by_label("Label", exact=True).fill("renamed")
    tab.get_by_label("Name", exact=True).fill("stock")
    tab.get_by_label("Is a").select_option("number")
    tab.get_by_label("Value").fill("3")
    tab.get_by_role("button", name="Another attribute").click()
    last = tab.get_by_role("group", name="Attribute 2")
    last.get_by_label("Name", exact=True).fill("glazed")
    last.get_by_label("Is a").select_option("truth")
    last.get_by_label("Value").fill("yes")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("are saved")).to_be_visible()
    expect(tab.get_by_role("heading", name="renamed")).to_be_visible()
    fields = tab.get_by_label("Name", exact=True)
    names = [field.input_value() for field in fields.all()]
    assert sorted(names) == ["", "glazed", "stock"]
    gone = names.index("stock")
    tab.get_by_role("group", name=f"Attribute {gone + 1}").get_by_label("Value").fill("")
    tab.get_by_role("button", name="Save").click()
    expect(fields).to_have_count(2)
    assert [field.input_value() for field in fields.all()] == ["glazed", ""]


def test_deleting_can_be_undone_and_happens_when_one_leaves(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab()
    address = added(tab, shelves)
    tab.get_by_role("button", name="Delete this picture").click()
    expect(tab.get_by_text("will be deleted in 8 seconds")).to_be_visible()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("will be deleted")).to_have_count(0)
    expect(tab.get_by_role("button", name="Delete this picture")).to_be_focused()
    assert status(address) == 200

    tab.get_by_role("button", name="Delete this picture").click()
    assert status(address) == 200, "nothing happens before the time is over"
    tab.get_by_role("link", name="Browse").click()
    expect(tab.locator(".wall").first).to_be_visible()
    wait_until(lambda: status(address) == 404)


def test_deleting_happens_when_the_time_is_over(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab()
    tab.clock.install()
    address = added(tab, shelves)
    tab.get_by_role("button", name="Delete this picture").click()
    tab.clock.fast_forward(8_100)
    tab.wait_for_url("**/browse/")
    assert status(address) == 404


def test_without_a_script_deleting_asks_first(open_tab: OpenTab, shelves: str) -> None:
    address = added(open_tab(), shelves)
    tab = open_tab(address, java_script_enabled=False)
    tab.get_by_role("button", name="Delete this picture").click()
    expect(tab.get_by_role("heading", name="Delete this picture?")).to_be_visible()
    assert status(address) == 200
    tab.get_by_role("button", name="Delete this picture").click()
    expect(tab.locator(".wall").first).to_be_visible()
    assert status(address) == 404


def wait_until(there: Callable[[], bool]) -> None:
    while not there():
        pass


def test_two_models_are_compared_and_one_after_the_other_goes_live(open_tab: OpenTab, shelves: str) -> None:
    tab = open_tab(f"{shelves}/models/")
    expect(tab.locator(".bundles .live h2")).to_have_text(OLD)
    tab.get_by_role("link", name="Compare two side by side").click()
    tab.locator(".wall .frame").first.click()
    expect(tab.get_by_text(re.compile(r"overlap@10 is \d\.\d\d"))).to_be_visible()
    columns = tab.locator(".column")
    assert [column.locator("li").count() for column in columns.all()] == [10, 10]
    shared = columns.first.locator(".both").count()
    assert columns.last.locator(".both").count() == shared
    expect(tab.get_by_text(f"{shared} of 10")).to_be_visible()
    tab.get_by_label("Model").last.select_option(OLD)
    tab.get_by_role("button", name="Compare").click()
    expect(tab.get_by_text("overlap@10 is 1.00")).to_be_visible()
    tab.locator("input[type=file]").set_input_files(fresh())
    tab.get_by_role("button", name="Compare").click()
    expect(tab.get_by_alt_text("The picture searched with")).to_be_visible()

    for bundle in (NEW, OLD):
        tab.goto(f"{shelves}/models/")
        tab.get_by_role("button", name=re.compile(f": {bundle}$")).click()
        expect(tab.get_by_text("is live now")).to_be_visible()
        expect(tab.locator(".bundles .live h2")).to_have_text(bundle)


PAGES = {
    "browse": "/browse/",
    "browse, filtered": "/browse/?label=label-1&least.price=2",
    "browse, nothing": "/browse/?label=nothing",
    "clusters": "/browse/clusters",
    "cluster": "/browse/clusters/1",
    "map": "/browse/map",
    "item": "/items/?id=shelf 1/piece-021&done=saved",
    "add": "/add/",
    "models": "/models/",
    "compare": "/models/compare",
    "compared": "/models/compare?id=shelf 1/piece-021&right_metric=euclidean",
    "no such item": "/items/?id=nothing",
    "no such cluster": "/browse/clusters/999",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(open_tab: OpenTab, shelves: str, name: str, scheme: str) -> None:
    tab = open_tab(shelves + PAGES[name], color_scheme=scheme, reduced_motion="reduce")
    tab.wait_for_load_state("networkidle")
    found = Axe().run(tab, options=RULES).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


@pytest.mark.parametrize("name", PAGES)
def test_at_200_percent_everything_is_still_in_the_window(open_tab: OpenTab, shelves: str, name: str) -> None:
    """A browser's zoom halves the window: 640 pixels are left of 1280. On a phone, text can grow as well: 320."""
    tab = open_tab(shelves + PAGES[name], viewport={"width": 320, "height": 500})
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
