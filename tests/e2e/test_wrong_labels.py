"""Wrong labels on the real page before the real API: accepted, kept, given another one, and back again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenTab, page_over
from tests.support.accessibility import violations
from tests.support.bundles import pieces, write_artifacts
from tests.support.marks import in_matrix


@pytest.fixture
def doubted_address(tmp_path: Path) -> Iterator[str]:
    """A page over a shop whose training doubted four labels."""
    report = tmp_path / "report"
    report.mkdir()
    (report / "index.html").write_text("<p>report</p>")
    shop = [piece for piece in pieces(30) if piece.label][:4]
    rows = [f"{piece.id},a.jpg,{piece.label},label-0,{0.9 - n / 10:.1f}" for n, piece in enumerate(shop)]
    (report / "wrong_labels.csv").write_text("\n".join(["id,picture,label,suggested,confidence", *rows]))
    artifacts = tmp_path / "artifacts"
    write_artifacts(artifacts, pieces(30), report=report)
    with page_over(artifacts) as address:
        yield address


def test_labels_are_decided_where_they_are_doubted(open_tab: OpenTab, doubted_address: str) -> None:
    tab = open_tab(f"{doubted_address}/", reduced_motion="reduce")
    tab.get_by_role("link", name="Labels").click()
    expect(tab.get_by_role("heading", name="4 labels are probably wrong")).to_be_visible()
    assert violations(tab) == []
    rows = tab.locator(".suspects > li")
    rows.nth(0).get_by_role("button", name="Accept “label-0”").click()
    expect(rows.nth(0)).to_contain_text("Labelled “label-0”.")
    expect(rows.nth(1).get_by_role("button", name="Accept")).to_be_focused()
    rows.nth(1).get_by_role("button", name="Keep").click()
    expect(rows.nth(1)).to_contain_text("Kept, and not shown again.")
    rows.nth(2).get_by_text("Another label").first.click()
    rows.nth(2).get_by_role("combobox", name="Another label").fill("brand new")
    tab.keyboard.press("Enter")
    expect(rows.nth(2)).to_contain_text("Labelled “brand new”.")
    assert violations(tab) == []
    tab.reload()
    expect(tab.get_by_role("heading", name="1 label is probably wrong")).to_be_visible()
    rows.nth(0).get_by_role("button", name="Keep").click()
    rows.nth(0).get_by_role("button", name="Undo").click()
    expect(rows.nth(0).get_by_role("button", name="Keep")).to_be_visible()
    tab.reload()
    expect(tab.get_by_role("heading", name="1 label is probably wrong")).to_be_visible()


@in_matrix
def test_labels_are_decided_without_a_script(open_tab: OpenTab, doubted_address: str) -> None:
    tab = open_tab(f"{doubted_address}/wrong-labels/", java_script_enabled=False)
    tab.get_by_role("button", name="Accept “label-0”").first.click()
    expect(tab.get_by_role("heading", name="3 labels are probably wrong")).to_be_visible()
    expect(tab.get_by_text("The label is changed.")).to_be_visible()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("heading", name="4 labels are probably wrong")).to_be_visible()
    tab.get_by_role("button", name="Keep").first.click()
    expect(tab.get_by_text("The label is kept")).to_be_visible()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("heading", name="4 labels are probably wrong")).to_be_visible()


def test_without_a_check_the_page_says_what_to_do(open_tab: OpenTab, shop_address: str) -> None:
    tab = open_tab(f"{shop_address}/wrong-labels/")
    expect(tab.get_by_text("did not check the labels")).to_be_visible()
    assert violations(tab) == []
