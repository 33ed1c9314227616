"""Adding on the real page before the real API: what is shown before, during and after, and how it is undone."""

from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.conftest import OpenTab
from tests.e2e.shop import fresh, status
from tests.support.accessibility import violations
from tests.support.marks import in_matrix


def select_some(tab: Page) -> list[FilePayload]:
    """Select two pictures, one of them broken; and one twice, a text, an empty file and one of the system."""
    twice = fresh("twice.jpg")
    broken: FilePayload = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    others: list[FilePayload] = [
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"some words"},
        {"name": "empty.png", "mimeType": "image/png", "buffer": b""},
        {"name": "Thumbs.db", "mimeType": "image/jpeg", "buffer": b"some bytes"},
    ]
    tab.set_input_files("#files", [twice, broken, *others])
    return [twice, broken]


def test_what_is_selected_is_shown_and_what_is_skipped_is_told(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/add/")
    select_some(tab)
    expect(tab.get_by_role("heading", name="2 pictures, 3 skipped")).to_be_visible()
    expect(tab.get_by_role("button", name="Add 2 pictures")).to_be_enabled()
    expect(tab.locator(".previews img[alt='twice.jpg']")).to_have_js_property("complete", True)
    expect(tab.locator(".previews li").nth(1)).to_contain_text("broken.jpg")
    reasons = tab.locator("[data-skipped]")
    expect(reasons).to_contain_text("1 not a picture in a known format; 1 empty; 1 made by the operating system")
    reasons.locator("summary").click()
    expect(reasons.locator("li").first).to_have_text("notes.txtnot a picture in a known format")
    assert violations(tab) == []
    tab.get_by_role("button", name="Select none").click()
    expect(tab.locator(".selection")).to_be_hidden()
    expect(tab.get_by_role("button", name="Nothing is selected")).to_be_disabled()


def test_all_outcomes_are_kept_and_what_was_added_is_moved_to_the_bin(
    open_tab: OpenTab, catalogue_address: str
) -> None:
    tab = open_tab(f"{catalogue_address}/add/")
    known = fresh("known.jpg")
    tab.set_input_files("#files", [known])
    tab.get_by_role("button", name="Add 1 picture").click()
    expect(tab.get_by_role("link", name="See this picture")).to_be_visible()

    tab.reload()
    select_some(tab)
    pictures = [fresh(f"{number}.jpg") for number in range(24)]
    tab.set_input_files("#files", [*pictures, known])
    tab.get_by_role("button", name="Add 27 pictures").click()
    expect(tab.locator("[data-counts]")).to_have_text("27 of 27: 25 added, 1 there already, 1 not added.")
    for outcome, count in [("added", 25), ("known", 1), ("refused", 1), ("skipped", 3)]:
        expect(tab.locator(f"[data-outcome={outcome}] li")).to_have_count(count)
    assert violations(tab) == []
    page = catalogue_address + (tab.locator("[data-outcome=added] a").first.get_attribute("href") or "")
    page_of_known = catalogue_address + (tab.locator("[data-outcome=known] a").get_attribute("href") or "")
    see = tab.get_by_role("link", name="See these 25 pictures")
    assert see.get_attribute("href") == "/browse/?order=-created"

    tab.get_by_role("button", name="Undo: move these 25 pictures to the bin").click()
    tab.get_by_role("dialog").get_by_role("button", name="Keep them").click()
    assert status(page) == 200
    tab.get_by_role("button", name="Undo: move these 25 pictures to the bin").click()
    expect(tab.get_by_role("dialog", name="Move these 25 pictures to the bin?")).to_be_visible()
    tab.get_by_role("button", name="Move them to the bin").click()
    expect(tab.get_by_text("What was added is in the bin.")).to_be_visible()
    expect(tab.locator("[data-counts]")).to_have_text(
        "27 of 27: 0 added, 1 there already, 1 not added, 25 moved to the bin."
    )
    expect(tab.locator("[data-outcome=added]")).to_be_hidden()
    assert status(page) == 404
    assert status(page_of_known) == 200
    tab.get_by_role("link", name="Open the bin").click()
    expect(tab.locator(".bin .tile").nth(24)).to_be_visible()


def test_folders_give_labels_unless_one_says_no(open_tab: OpenTab, catalogue_address: str, tmp_path: Path) -> None:
    for folder in ("jugs", "plates"):
        (tmp_path / "shop" / folder).mkdir(parents=True)
        (tmp_path / "shop" / folder / "1.jpg").write_bytes(fresh()["buffer"])
    tab = open_tab(f"{catalogue_address}/add/")
    box = tab.get_by_label("Label each picture with the name of its folder")
    tab.set_input_files("#files", [fresh()])
    expect(box).not_to_be_checked()
    tab.set_input_files("#folder", tmp_path / "shop")
    expect(box).to_be_checked()
    expect(tab.get_by_text("2 folders:")).to_contain_text("jugs (1)")
    box.uncheck()
    tab.set_input_files("#folder", tmp_path / "shop" / "jugs")
    expect(tab.get_by_role("button", name="Add 4 pictures")).to_be_visible()
    expect(box).not_to_be_checked()


def test_a_server_that_is_away_leaves_true_counts(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/add/")
    tab.route("**/add/one", lambda route: route.abort())
    tab.set_input_files("#files", [fresh()])
    tab.get_by_role("button", name="Add 1 picture").click()
    expect(tab.get_by_role("alert")).to_contain_text("did not answer")
    expect(tab.locator("[data-counts]")).to_have_text("0 of 1: 0 added, 1 to go.")
    assert tab.locator("[data-all]").evaluate("(bar) => [bar.value, bar.max]") == [0, 1]
    expect(tab.get_by_role("button", name="Undo")).to_be_hidden()
    tab.unroute("**/add/one")
    tab.get_by_role("button", name="Continue").click()
    expect(tab.locator("[data-counts]")).to_have_text("1 of 1: 1 added.")


@in_matrix
def test_without_a_script_adding_is_undone_after_a_question(open_tab: OpenTab, catalogue_address: str) -> None:
    tab = open_tab(f"{catalogue_address}/add/", java_script_enabled=False)
    tab.set_input_files("#files", [fresh("a.jpg"), fresh("b.jpg")])
    tab.get_by_role("button", name="Add the pictures").click()
    page = catalogue_address + (tab.locator(".wall .frame").first.get_attribute("href") or "")
    assert status(page) == 200
    tab.get_by_role("button", name="Undo: move these 2 pictures to the bin").click()
    tab.get_by_role("button", name="Delete these 2 pictures").click()
    assert status(page) == 404
