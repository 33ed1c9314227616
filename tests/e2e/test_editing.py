"""Adding, describing and deleting pictures on the real page before the real API, on a phone and on a desk."""

from datetime import datetime
from pathlib import Path

from playwright.sync_api import FilePayload, expect

from tests.e2e.conftest import OpenTab
from tests.e2e.shop import added, fresh, status
from tests.support.accessibility import violations
from tests.support.marks import in_matrix


def test_pictures_are_added_each_by_itself_and_found_at_once(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/add/")
    broken: FilePayload = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    tab.set_input_files("#files", [fresh("a.jpg"), broken, fresh("b.jpg")])
    tab.get_by_label("Label", exact=True).fill("brand new")
    tab.get_by_label("Name", exact=True).fill("price")
    tab.get_by_label("Type").select_option("number")
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
    tab.goto(f"{catalogue_address}/browse/?order=-created")
    expect(tab.locator(".wall .label").first).to_contain_text("brand new")
    expect(tab.locator(".wall time").first).to_be_visible()


def test_a_folder_gives_its_pictures_labels(open_tab: OpenTab, catalogue_address: str, tmp_path: Path) -> None:
    for folder in ("jugs", "plates"):
        (tmp_path / "shop" / folder).mkdir(parents=True)
        (tmp_path / "shop" / folder / "1.jpg").write_bytes(fresh()["buffer"])
    (tmp_path / "shop" / ".hidden").write_text("of no interest")
    tab = open_tab(f"{catalogue_address}/add/")
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


@in_matrix
def test_adding_without_a_script(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/add/", java_script_enabled=False)
    twice = fresh("twice.jpg")
    broken: FilePayload = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    tab.set_input_files("#files", [twice, broken, twice])
    tab.get_by_label("Label", exact=True).fill("plain")
    tab.get_by_role("button", name="Add the pictures").click()
    expect(tab.get_by_role("heading", name="1 picture is added")).to_be_visible()
    expect(tab.get_by_text("1 was in the catalogue already")).to_be_visible()
    expect(tab.get_by_text("broken.jpg")).to_be_visible()
    tab.locator(".wall .frame").click()
    expect(tab.get_by_role("heading", name="plain")).to_be_visible()


def test_what_is_known_of_a_picture_is_changed(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab()
    added(tab, catalogue_address)
    tab.get_by_label("Label", exact=True).fill("renamed")
    tab.get_by_label("Name", exact=True).fill("stock")
    tab.get_by_label("Type").select_option("number")
    tab.get_by_label("Value").fill("3")
    tab.get_by_role("button", name="Another attribute").click()
    last = tab.get_by_role("group", name="Attribute 2")
    last.get_by_label("Name", exact=True).fill("glazed")
    last.get_by_label("Type").select_option("truth")
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


def test_deleting_can_be_undone_and_is_cancelled_when_one_leaves(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab()
    tab.clock.install(time=datetime(2026, 1, 1))
    address = added(tab, catalogue_address)
    tab.clock.pause_at(datetime(2026, 1, 2))  # however long the rest takes, the time is not over
    tab.get_by_role("button", name="Delete this picture").click()
    expect(tab.get_by_text("will be deleted in 8 seconds")).to_be_visible()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("will be deleted")).to_have_count(0)
    expect(tab.get_by_role("button", name="Delete this picture")).to_be_focused()
    tab.get_by_role("button", name="Delete this picture").click()
    tab.get_by_role("link", name="Browse").click()
    expect(tab.locator(".wall").first).to_be_visible()
    tab.clock.fast_forward(60_000)
    assert status(address) == 200


def test_what_is_deleted_waits_in_the_bin_and_is_restored(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab()
    tab.clock.install()
    address = added(tab, catalogue_address)
    tab.get_by_role("button", name="Delete this picture").click()
    tab.clock.fast_forward(8_100)
    tab.wait_for_url("**/browse/")
    assert status(address) == 404
    tab.get_by_role("link", name="Bin", exact=True).click()
    expect(tab.get_by_role("button", name="Restore selected")).to_be_disabled()
    tab.get_by_label("Select").first.check()
    expect(tab.get_by_role("button", name="Restore selected (1)")).to_be_enabled()
    assert violations(tab, ["light"]) == []
    tab.get_by_role("button", name="Restore selected (1)").click()
    expect(tab.get_by_text("1 picture is in the catalogue again.")).to_be_visible()
    assert status(address) == 200


def test_without_a_script_deleting_asks_first(open_tab: OpenTab, catalogue_address: str) -> None:
    address = added(open_tab(), catalogue_address)
    tab = open_tab(address, java_script_enabled=False)
    tab.get_by_role("button", name="Delete this picture").click()
    expect(tab.get_by_role("heading", name="Delete this picture?")).to_be_visible()
    assert status(address) == 200
    tab.get_by_role("button", name="Delete this picture").click()
    expect(tab.locator(".wall").first).to_be_visible()
    assert status(address) == 404
    tab.goto(f"{catalogue_address}/bin/")
    tab.get_by_role("button", name="Restore", exact=False).nth(1).click()
    expect(tab.get_by_text("1 picture is in the catalogue again.")).to_be_visible()
    assert status(address) == 200
    tab.goto(address)
    tab.get_by_role("button", name="Delete this picture").click()
    tab.get_by_role("button", name="Delete this picture").click()
    tab.goto(f"{catalogue_address}/bin/")
    tab.get_by_role("button", name="Empty the bin").click()
    expect(tab.get_by_role("heading", name="Delete 1 picture for good?")).to_be_visible()
    tab.get_by_role("button", name="Delete 1 picture for good").click()
    expect(tab.get_by_role("heading", name="The bin is empty")).to_be_visible()
