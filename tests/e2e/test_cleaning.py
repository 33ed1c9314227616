"""A task with its clicks counted: six wrong labels and twelve copies leave a shop of 204 pictures, and nothing good."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
from PIL import Image, ImageOps
from playwright.sync_api import Locator, expect

from tests.conftest import free_port, serving
from tests.e2e.conftest import OpenTab
from tests.support.bundles import Piece, picture, pieces, some_calibration, write_artifacts

MAX_CLICKS = 25
GOOD, WRONG, COPIES = 192, 6, 12


def saved_again(data: bytes, *, mirrored: bool) -> bytes:
    """The same picture in another file."""
    image = Image.open(BytesIO(data))
    buffer = BytesIO()
    (ImageOps.mirror(image) if mirrored else image.resize((200, 147))).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def shop() -> tuple[list[Piece], dict[str, str]]:
    """The pictures, and the right label of each whose label is wrong."""
    good = [Piece(p.id, picture(n, width=240, height=176), p.label, p.attributes) for n, p in enumerate(pieces(GOOD))]
    labelled = [piece for piece in good if piece.label]
    right = {piece.id: piece.label or "" for piece in labelled[:WRONG]}
    planted = [Piece(p.id, p.data, "planted", p.attributes) if p.id in right else p for p in good]
    originals = labelled[WRONG : WRONG + COPIES]
    copies = [Piece(f"copies/{n}", p.data, None, {}) for n, p in enumerate(originals[:6])]
    copies += [
        Piece(f"copies/{n}", saved_again(p.data, mirrored=n % 2 == 0), None, {}) for n, p in enumerate(originals[6:], 6)
    ]
    return [*planted, *copies], right


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The page and the API over that shop, whose training found the planted labels."""
    report = tmp_path / "report"
    report.mkdir()
    (report / "index.html").write_text("<p>report</p>")
    everything, right = shop()
    rows = [f"{item_id},a.jpg,planted,{label},0.9" for item_id, label in right.items()]
    (report / "wrong_labels.csv").write_text("\n".join(["id,picture,label,suggested,confidence", *rows]))
    write_artifacts(tmp_path / "shop", everything, calibration=some_calibration(), report=report)
    api_port, ui_port = free_port(), free_port()
    with (
        serving("api", api_port, "/readyz", artifacts=tmp_path / "shop", api_port=api_port) as api,
        serving("frontend", ui_port, "/readyz", api_url=api, ui_port=ui_port) as page,
    ):
        yield page, api


def test_a_shop_is_cleaned_in_few_clicks(open_tab: OpenTab, addresses: tuple[str, str]) -> None:
    page, api = addresses
    tab = open_tab(page)
    clicks = 0

    def click(what: Locator) -> None:
        nonlocal clicks
        what.click()
        clicks += 1

    click(tab.get_by_role("link", name="Labels"))
    expect(tab.get_by_role("heading", name=f"{WRONG} labels are probably wrong")).to_be_visible()
    for number in range(WRONG):
        click(tab.locator(".suspects > li").nth(number).get_by_role("button", name="Accept"))
        expect(tab.locator(".suspects > .decided")).to_have_count(number + 1)
    click(tab.get_by_role("link", name="Duplicates"))
    for is_marked in (True, False):
        expect(tab.get_by_role("heading", name="6 groups")).to_be_visible()
        if not is_marked:
            click(tab.get_by_role("link", name="Select all except those to keep"))
        click(tab.get_by_role("button", name="Delete 6 selected pictures"))
        click(tab.get_by_role("button", name="Delete now"))
        expect(tab.get_by_text("6 pictures are in the bin.")).to_be_visible()
        if is_marked:
            click(tab.get_by_role("link", name="Same picture"))

    everything, right = shop()
    with requests.Session() as session:
        session.trust_env = False
        listed = session.get(f"{api}/items", params={"limit": 200}).json()
    assert listed["total"] == GOOD
    labels = {item["id"]: item["label"] for item in listed["items"]}
    expected = {piece.id: piece.label for piece in everything if not piece.id.startswith("copies/")} | right
    assert labels == expected
    assert clicks <= MAX_CLICKS, clicks
    print(f"{clicks} clicks")  # noqa: T201
