"""A report begins with what the bundle is worth and what there is to do, and its charts can be read."""

import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.report.examples import evaluation, protocol, report
from trainer.evaluation.results import Interval, LadderRow
from trainer.health.findings import Copies, Health, LeakedPicture, WrongLabel
from trainer.report.drawing.charts import ladder_charts
from trainer.report.model import Report
from trainer.report.write import write_report
from trainer.sources.base import Skipped

NOTHING: dict[str, Any] = dict.fromkeys(
    ["unreadable", "identical", "same_picture", "same_thing", "wrong_labels", "outliers", "small_labels", "leaks"], ()
)


def page_of(folder: Path, report_data: Report) -> str:
    write_report(folder / "out", report_data)
    return (folder / "out" / "index.html").read_text()


def openings(page: str) -> list[str]:
    """The sentences that a report begins with, as text."""
    return [re.sub(r"<[^>]+>", "", line) for line in re.findall(r'<p class="opening">(.*?)</p>', page, re.DOTALL)]


@pytest.mark.parametrize(
    ("share", "count"), [(0.97, 97), (0.974, 97), (1.0, 100), (0.9999, 99), (0.0, 0), (0.0001, 1), (0.5, 50)]
)
def test_it_says_how_many_first_matches_are_right(tmp_path: Path, share: float, count: int) -> None:
    measured = protocol()
    measures = {**measured.measures, "precision@1": Interval(share, share, share)}
    known, new = replace(measured, measures=measures), replace(measured, name="new labels", measures=measures)
    report_data = report(tmp_path / "pictures", ["bowl"] * 3, evaluation=replace(evaluation(), protocols=(known, new)))
    assert openings(page_of(tmp_path, report_data)) == [
        f"Of 100 new pictures of known labels, the first match is right for {count}. "
        f"Of 100 pictures of labels never seen in training, the first match is right for {count}."
    ]


def test_what_is_to_do_leads_to_its_list_and_health_comes_first(tmp_path: Path) -> None:
    report_data = report(tmp_path / "pictures", ["bowl"] * 6)
    one, two, three, four, *_ = report_data.pictures
    health = Health(
        **NOTHING
        | {
            "wrong_labels": [WrongLabel(one, "jug", 0.9)],
            "identical": [Copies((one, two, three), one, "larger")],
            "same_picture": [Copies((three, four), four, "older")],  # `three` is counted once
            "unreadable": [Skipped("a.jpg", "damaged"), Skipped("b.jpg", "damaged")],
            "leaks": [LeakedPicture(one.path, two.path, "identical")],
        }
    )
    page = page_of(tmp_path, replace(report_data, health=health))
    assert openings(page) == ["To do: 1 label, 2 copies, 2 files that cannot be used, 1 picture on both sides."]
    targets = re.findall(r'href="#([^"]+)"', page[: page.index('<p class="lead">')])
    assert targets == ["wrong-labels", "identical", "unreadable", "leaks"]
    assert all(page.count(f'id="{target}"') == 1 for target in targets)
    assert re.findall(r'<section aria-labelledby="([^"]+)"', page)[0] == "health"


def test_nothing_to_do_is_said_only_where_it_was_looked_at(tmp_path: Path) -> None:
    report_data = report(tmp_path / "pictures", ["bowl"] * 3)
    assert openings(page_of(tmp_path, report_data)) == []
    (said,) = openings(page_of(tmp_path, replace(report_data, health=Health(**NOTHING))))
    assert said.startswith("Nothing to do")


def test_recall_close_to_one_is_written_out_and_equal_ways_are_told_apart() -> None:
    probe_counts: list[tuple[Any, float, float]] = [
        (1, 0.999995, 0.1),
        (2, 1.0, 0.2),
        ("auto", 1.0, 0.2),
        ("brute force", 1.0, 0.2),
    ]
    rows = [
        LadderRow(metric, probes, recall, 1.0, milliseconds, milliseconds)
        for metric in ("cosine", "euclidean")
        for probes, recall, milliseconds in probe_counts
    ]
    for chart in ladder_charts(rows):
        texts = re.findall(r"<!-- (.+?) -->", b64decode(chart.light.split(",")[1]).decode())
        assert "1.00" in texts
        assert not [text for text in texts if text.startswith("+")]
    assert texts.count("auto") == texts.count("brute force") == 1  # in the legend, where nothing lies over it
