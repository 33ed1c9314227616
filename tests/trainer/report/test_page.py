"""The page in a real browser, under the policy that the API serves it with: it shows, zooms, and trusts no name."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.trainer.report.examples import HISTORY, evaluation, report
from trainer.health.findings import Copies, Health, LeakedPicture, Outlier, SmallLabel, WrongLabel
from trainer.report.drawing import embedding_map as layout_module
from trainer.report.model import Report
from trainer.report.page import POLICY
from trainer.report.write import write_report
from trainer.sources.base import Picture, Skipped

ADDRESS = "http://report.test/index.html"
HOSTILE = (
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 2">',
    "</script><script>window.hacked = 3</script>",
    "{{ 7 * 7 }} @id @{thumbnail}{safe} $$x^2$$",
)
# Where Bokeh has drawn the first dot, in pixels of the window, and how wide a piece of the map it shows.
DOT = """() => {
  const view = [...Bokeh.index.roots].find(root => root.model.type == "Figure" && root.el.offsetParent)
  const data = view.model.renderers[0].data_source.data
  const box = view.canvas_view.el.getBoundingClientRect()
  const x = box.x + view.frame.x_scale.compute(data.x[0]), y = box.y + view.frame.y_scale.compute(data.y[0])
  return {x, y, wide: view.model.x_range.end - view.model.x_range.start}
}"""


class OpenPage:
    """A report's page, and all that went wrong with it or left it."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.trouble: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda said: self.trouble.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", lambda dialog: self.trouble.append(dialog.message))
        page.on("request", lambda made: self.requests.append(made.url) if not made.url.startswith("data:") else None)
        page.route("**", lambda route: route.abort())
        body = (folder / "index.html").read_text()
        policy = {"content-security-policy": POLICY, "content-type": "text/html; charset=utf-8"}
        page.route(ADDRESS, lambda route: route.fulfill(body=body, headers=policy))
        page.goto(ADDRESS)
        expect(page.locator(".bk-Figure canvas").first).to_be_visible()

    def assert_quiet(self) -> None:
        assert self.trouble == []
        assert self.requests == [ADDRESS]
        assert self.page.evaluate("window.hacked") is None


OpenReport = Callable[..., OpenPage]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[OpenReport]:
    """Writes a report and opens it; closed at the end, when it must have been quiet."""
    opened: list[OpenPage] = []

    def open_(content: Report, width: int = 1440, **options: Any) -> OpenPage:
        write_report(tmp_path / "out", content)
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        opened.append(OpenPage(page, tmp_path / "out"))
        return opened[-1]

    yield open_
    for one in opened:
        one.assert_quiet()
        one.page.close()


def show_map(page: Page) -> None:
    """The whole map in the window, where the mouse can reach it."""
    page.evaluate("document.querySelector('.map').scrollIntoView({block: 'center'})")


def full(folder: Path, names: tuple[str, ...] = ("bowl", "jug", "vase")) -> Report:
    """Everything a report can have, of labels that lie close enough to be confused."""
    labels = [names[n % len(names)] for n in range(36)]
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(36, 6)).astype(np.float32)
    measured = evaluation(names[0])
    sheets = folder / "sheets"
    content = report(folder / "pictures", labels, vectors=vectors, history=HISTORY, evaluation=measured, sheets=sheets)
    sheets.mkdir()
    return content


def test_a_dot_shows_its_picture_and_label(open_page: OpenReport, tmp_path: Path) -> None:
    page = open_page(full(tmp_path)).page
    show_map(page)
    dot = page.evaluate(DOT)
    page.mouse.move(dot["x"] - 60, dot["y"] - 60)
    page.mouse.move(dot["x"], dot["y"])
    tip = page.locator(".bk-Tooltip")
    expect(tip.locator("img").first).to_be_visible()
    expect(tip).to_contain_text("bowl")
    assert tip.locator("img").first.get_attribute("src").startswith("data:image/webp;base64,")
    assert tip.locator("img").first.evaluate("image => image.naturalWidth") > 10


def test_the_map_zooms_and_changes_colours(open_page: OpenReport, tmp_path: Path) -> None:
    page = open_page(full(tmp_path)).page
    show_map(page)
    before = page.evaluate(DOT)["wide"]
    page.locator(".bk-ClickButton:visible").first.click()  # the first that acts at once is: zoom in
    page.wait_for_timeout(200)
    assert page.evaluate(DOT)["wide"] < before
    expect(page.locator(".panel.cluster")).to_be_hidden()
    page.get_by_label("cluster", exact=True).check()
    expect(page.locator(".panel.cluster canvas").first).to_be_visible()
    expect(page.locator(".panel.label")).to_be_hidden()
    assert page.locator(".panel.cluster canvas").first.bounding_box()["width"] > 500


def test_what_is_wrong_with_the_catalogue_is_shown(open_page: OpenReport, tmp_path: Path) -> None:
    content = full(tmp_path)
    one, other, third, *others = content.pictures
    copies = Copies((one, *[other] * 15), one, "the most pixels (9 x 9 pixels)")
    health = Health(
        unreadable=[Skipped("shelf/cut.jpg", "this JPEG is damaged")],
        identical=[copies],
        same_picture=[],
        same_thing=[],
        wrong_labels=[WrongLabel(picture, HOSTILE[0], 0.9) for picture in others[:26]],
        outliers=[Outlier(third, 0.751)],
        small_labels=[SmallLabel(HOSTILE[1], 1)],
        leaks=[LeakedPicture(one.path, other.path, "identical")],
    )
    page = open_page(replace(content, health=health)).page
    section = page.locator("section", has=page.locator("#health"))
    expect(section).to_contain_text("And 2 more in wrong_labels.csv")
    for said in (f"{HOSTILE[0]}? 0.90", HOSTILE[1], "this JPEG is damaged", "0.751", "and 4 more", "9 x 9 pixels"):
        expect(section).to_contain_text(said)
    expect(section).to_contain_text("No picture is there twice.")
    assert section.locator(".keep img").count() == 1
    assert len(rows(tmp_path / "out" / "wrong_labels.csv")) == 26
    assert json.loads((tmp_path / "out" / "report.json").read_text())["health"]["wrong_labels"] == 26


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("dark", 390),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in (("dark", 1440), ("light", 390), ("light", 1440))),
    ],
)
def test_it_fits_any_screen_in_either_light(open_page: OpenReport, tmp_path: Path, width: int, scheme: str) -> None:
    page = open_page(
        full(tmp_path, ("a label of " + "very" * 30 + " long words", "b", "c")), width, color_scheme=scheme
    ).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", ground))) < 64) == (scheme == "dark")
    shown = page.locator(".charts img").first.evaluate("image => image.currentSrc")
    light, dark = (
        page.locator(".charts picture").first.locator(tag).get_attribute(name)
        for tag, name in (("img", "src"), ("source", "srcset"))
    )
    assert light != dark
    assert shown == (dark if scheme == "dark" else light)


def test_names_are_text_and_nothing_else(open_page: OpenReport, tmp_path: Path) -> None:
    content = full(tmp_path, HOSTILE)
    hostile = [
        Picture(f"{HOSTILE[n % 4]}-{n}", picture.path, picture.label) for n, picture in enumerate(content.pictures)
    ]
    changed: dict[str, Any] = {"bundle_id": HOSTILE[1], "facts": {HOSTILE[0]: HOSTILE[2]}, "pictures": hostile}
    page = open_page(replace(content, **changed)).page
    for details in page.locator("details").all():
        details.locator("summary").click()
    for name in HOSTILE:
        assert name in page.locator("main").inner_text()
    show_map(page)
    for number in range(4):
        dot = page.evaluate(DOT.replace("[0])", f"[{number}])"))
        page.mouse.move(dot["x"] + 60, dot["y"] + 60)
        page.mouse.move(dot["x"], dot["y"])
        expect(page.locator(".bk-Tooltip").first).to_be_visible()
    expect(page.locator("main script, main iframe, main [onerror]")).to_have_count(0)


def test_the_sections_say_how_to_read_them(open_page: OpenReport, tmp_path: Path) -> None:
    page = open_page(full(tmp_path)).page
    for section in page.locator("section").all():
        assert len(section.locator(".how, .notice").first.inner_text()) > 40
    summary = page.locator("section").first
    expect(summary).to_contain_text("Held-out pictures of labels seen in training: 40 queries")
    expect(summary.locator("tr", has_text="mAP").first).to_contain_text("+0.100 [+0.050 to +0.150] better")
    expect(summary.locator("tr", has_text="mAP").first).to_contain_text(
        "\N{MINUS SIGN}0.020 [\N{MINUS SIGN}0.030 to \N{MINUS SIGN}0.010] worse"
    )
    expect(summary).to_contain_text("Not measured: no label but bowl was held out.")
    assert not page.get_by_text("sum over all ranks").is_visible()
    page.get_by_text("How the measures are computed").click()
    assert page.get_by_text("sum over all ranks").is_visible()
    assert page.locator("#worst ~ .groups .query").count() > 0
    assert page.locator("#worst ~ .groups .match").first.inner_text().startswith(("bowl", "jug", "vase"))
    assert "✓" in page.locator("#worst ~ .groups .match").first.inner_text()
    expect(page.locator("section", has=page.locator("#confusions")).locator(".group").first).to_contain_text("↔")


def test_a_picture_that_is_gone_is_an_empty_card(open_page: OpenReport, tmp_path: Path) -> None:
    content = full(tmp_path)
    for picture in content.pictures[::2]:
        picture.path.unlink()
    content.pictures[1].path.write_bytes(b"no picture")
    page = open_page(content).page
    assert page.get_by_text("cannot be read").count() > 3
    assert page.locator(".card img").count() > 3


@pytest.mark.parametrize("labels", [[None], ["only"], [None] * 25, ["a", "b"], ["a", "a", None]])
def test_little_is_enough(open_page: OpenReport, tmp_path: Path, labels: list[str | None]) -> None:
    page = open_page(report(tmp_path / "pictures", labels)).page
    expect(page.locator("main")).to_contain_text("Nothing was measured")
    assert page.locator(".panel").count() == (2 if any(labels) else 1)
    assert {path.name for path in (tmp_path / "out").glob("*.csv")} >= {"clusters.csv", "map.csv"}


def test_many_pictures_are_sampled_and_it_is_said(
    open_page: OpenReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout_module, "MAX_POINTS", 10)
    page = open_page(full(tmp_path)).page
    expect(page.locator("section", has=page.locator("#map"))).to_contain_text("a random 10 of 36 pictures")
    assert len(rows(tmp_path / "out" / "map.csv")) == 10


def test_every_list_is_a_table_and_everything_is_json(tmp_path: Path) -> None:
    content = full(tmp_path)
    write_report(tmp_path / "out", content)
    clusters, queries = rows(tmp_path / "out" / "clusters.csv"), rows(tmp_path / "out" / "queries.csv")
    assert sum(int(row["pictures"]) for row in clusters) == 36
    assert {row["id"] for row in queries} == {picture.id for picture in content.pictures}
    values = [float(row["average_precision"]) for row in queries]
    assert values == sorted(values, reverse=True)
    figures = json.loads((tmp_path / "out" / "report.json").read_text())
    assert figures["evaluation"]["bundle_id"] == content.bundle_id
    assert figures["queries"]["worst"][0]["id"] == queries[-1]["id"]
    assert len(figures["history"]) == len(rows(tmp_path / "out" / "history.csv")) == len(HISTORY)
    assert rows(tmp_path / "out" / "labels.csv")[0]["label"] == "bowl"
    links = re.findall(r'href="([^"]+)"', (tmp_path / "out" / "index.html").read_text())
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {link for link in links if not link.startswith("#")} <= files


def test_another_report_replaces_the_one_before(tmp_path: Path) -> None:
    write_report(tmp_path / "out", full(tmp_path))
    write_report(tmp_path / "out", report(tmp_path / "few", [None]))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"index.html", "report.json", "clusters.csv", "map.csv"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
