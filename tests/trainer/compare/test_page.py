"""What a comparison looks like: the page, the curves, and the figures as JSON."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.trainer.compare.examples import ODD, comparison, row
from trainer.compare.page import COLUMNS, cells, render, write
from trainer.compare.plots import draw
from trainer.plotting import DARK, LIGHT
from trainer.progress import Epoch


def test_the_best_figures_are_marked() -> None:
    rows = [row("a", map=0.7001, parameters=2), row("b", map=0.7004, parameters=2), row("c", map=0.5, parameters=1)]
    place = [column.title for column in COLUMNS].index("mAP")
    assert [line[place].best for line in cells(rows)] == [True, True, False]  # the first two read the same
    other = replace(rows[1], measured_on=replace(rows[1].measured_on, digest="other"))
    assert not any(line[place].best for line in cells([rows[0], other]))
    sizes = [column.title for column in COLUMNS].index("parameters, M")
    assert not any(line[sizes].best for line in cells(rows))  # all read 0.00
    misses = [column.title for column in COLUMNS].index("misses")
    assert cells(rows)[0][misses].text == "none"


class Parsed(HTMLParser):
    """Tags with their attributes, the text, and the table row by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(page)
        self.rows = [[cell.strip() for cell in line] for line in self.rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_the_files_say_what_was_found(tmp_path: Path) -> None:
    result = comparison()
    write(result, tmp_path / "new" / "out")
    page = (tmp_path / "new" / "out" / "compare.html").read_text()
    parsed = Parsed(page)
    body = parsed.rows[2:]
    assert [len(line) for line in body] == [2 + len(COLUMNS)] * 4
    assert [line[0] for line in body[2:]] == [f"{ODD}, beforesiamese", f"{ODD}, aftersiamese"]
    assert f"{result.rows[1].map:.3f}0.550 to 0.710" in body[1]  # the interval in small print
    assert "i" not in {tag for tag, _attributes in parsed.tags}
    for expected in (str(result.source), "by image, a share of 0.2, seed 0", "12 test pictures", "nowhere.h5"):
        assert expected in parsed.text
    sources = [v or "" for _tag, a in parsed.tags for k, v in a.items() if k in ("src", "srcset", "href")]
    assert len(sources) == 2
    for source in sources:  # nothing from anywhere else
        assert source.startswith("data:image/png;base64,")
        with Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
            image.verify()
    assert not re.search(r"https?://|@import|url\(", page)
    figures = json.loads((tmp_path / "new" / "out" / "compare.json").read_text())
    assert [line["map"] for line in figures["rows"]] == [r.map for r in result.rows]
    assert figures["rows"][1]["history"][0]["stage"] == "head"
    assert [failure["configuration"] for failure in figures["failures"]] == ["unreachable", "absent"]
    with Image.open(tmp_path / "new" / "out" / "compare.png") as plot:
        plot.verify()
    assert {p.name for p in (tmp_path / "new" / "out").iterdir()} == {"compare.html", "compare.json", "compare.png"}


def test_pictures_that_differ_are_told() -> None:
    result = comparison()
    first, second = result.rows[:2]
    other = replace(second, measured_on=replace(second.measured_on, seed=1, digest="other"))
    page = render(replace(result, rows=(first, other)), None, None)
    assert "hold out different pictures" in page
    assert "hold out different pictures" not in render(result, None, None)


@pytest.mark.parametrize("count", [1, 9])
def test_a_line_for_every_run_in_either_light(count: int) -> None:
    epochs = [Epoch(stage, n, 1 / (n + 1), None, None, n / 10) for stage in ("head", "finetune") for n in range(4)]
    rows = [row(f"run {n}", history=epochs) for n in range(count)]
    light, dark = draw(rows, LIGHT), draw(rows, DARK)
    assert light and dark and light != dark
    with Image.open(BytesIO(light)) as image:
        result = {colour for _count, colour in image.convert("RGB").getcolors(1 << 24) or []}
    for line in LIGHT.lines[:count]:
        assert tuple(int(line[at : at + 2], 16) for at in (1, 3, 5)) in result
    assert draw([row("untuned")], LIGHT) is None


def test_the_page_fits_any_screen(browser: Browser, tmp_path: Path) -> None:
    write(comparison(), tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "compare.html").as_uri())
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()
