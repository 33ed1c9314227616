"""From a report to its files: index.html, a CSV for each list, evaluation.json and report.json."""

from collections.abc import Mapping
from pathlib import Path

from retrieval.durable import write_atomically
from trainer.evaluation import results
from trainer.health.csv_files import HEALTH_TABLES, csv_tables
from trainer.progress import Progress
from trainer.report import csv_files
from trainer.report.clusters import describe_clusters
from trainer.report.drawing import images, picture_lists
from trainer.report.drawing.embedding_map import draw_map
from trainer.report.health_lists import health_lists
from trainer.report.model import Report
from trainer.report.page import Parts, render
from trainer.report.searches import search_all

PAGE, FIGURES, EVALUATION = "index.html", "report.json", "evaluation.json"
FORMER = ("lonely.csv",)  # files that a report of an earlier version had, outliers.csv by its old name


def quiet(_done: int, _total: int) -> None:
    """Nobody looks."""


def write_report(folder: Path, report: Report, progress: Progress = quiet) -> None:
    """Write the report into `folder`, which is made if absent; files of other names in it stay.

    `progress` counts the pictures that are read for the map. Each file is replaced as a whole. Raises OSError where
    the folder cannot be written; a picture that cannot be read is an empty card.
    """
    clusters = describe_clusters(report.vectors, report.clusters, report.labels)
    searches = search_all(report.vectors, report.labels, report.held_out)
    embedding_map = draw_map(report, progress)
    lists = csv_tables(report.health) if report.health else {}
    files = csv_files.csv_files(report, clusters, searches, embedding_map) | lists
    parts = Parts(
        map=embedding_map,
        clusters=clusters,
        searches=picture_lists.query_lists(report, searches),
        confusions=picture_lists.confusion_list(report, searches.confusions) if searches.searches else None,
        cluster_list=picture_lists.cluster_list(report, clusters),
        health=health_lists(report.health) if report.health else [],
        sheets=images.sheets(report.sheets),
        files=sorted(files),
    )
    texts: Mapping[str, str] = {
        PAGE: render(report, parts),
        FIGURES: csv_files.as_json(report, clusters, searches),
        **files,
        **({EVALUATION: results.to_json(report.evaluation)} if report.evaluation else {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name in {EVALUATION, *csv_files.ALL, *HEALTH_TABLES, *FORMER} - set(texts):
        (folder / name).unlink(missing_ok=True)  # a report of before, which had something to say there
    for name, text in texts.items():
        _replace(folder / name, text.encode())


def _replace(path: Path, data: bytes) -> None:
    """Whoever reads the file sees all of the old one or all of the new one."""
    with write_atomically(path, several=True) as draft:
        draft.write_bytes(data)
