"""The lists of a report as CSV files, one row each, and everything but the pictures as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from trainer.evaluation import results
from trainer.evaluation.results import Protocol
from trainer.report import measures
from trainer.report.clusters import Cluster
from trainer.report.drawing import picture_lists
from trainer.report.drawing.embedding_map import Map
from trainer.report.model import Report
from trainer.report.searches import Search, Searches

LABELS, HISTORY, MAP = "labels.csv", "history.csv", "map.csv"
IN_JSON = 100  # queries at either end, and confusions; the CSVs have all

ALL = (picture_lists.CLUSTERS, picture_lists.QUERIES, picture_lists.CONFUSIONS, LABELS, HISTORY, MAP)

Row = Mapping[str, object]


def csv_files(report: Report, clusters: Sequence[Cluster], searches: Searches, embedding_map: Map) -> dict[str, str]:
    """CSV texts by file name. Health writes its own."""
    protocols = report.evaluation.protocols if report.evaluation else ()
    files: dict[str, Iterable[Row]] = {
        picture_lists.CLUSTERS: (cluster_row(report, cluster) for cluster in clusters),
        picture_lists.QUERIES: (query_row(report, search) for search in searches.searches),
        picture_lists.CONFUSIONS: confusion_rows(searches),
        LABELS: (row for p in protocols if isinstance(p, Protocol) for row in measures.label_rows(p)),
        HISTORY: (asdict(epoch) for epoch in report.history),
        MAP: map_rows(report, embedding_map),
    }
    texts = {name: csv_text(list(rows)) for name, rows in files.items()}
    return {name: text for name, text in texts.items() if text}


def csv_text(rows: Sequence[Row]) -> str:
    """Rows under the names of their columns; no text where there is no row."""
    if not rows:
        return ""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def cluster_row(report: Report, cluster: Cluster) -> Row:
    """One cluster."""
    return {
        "cluster": cluster.number,
        "pictures": cluster.size,
        "medoid": report.pictures[cluster.medoid].id,
        "label": cluster.label,
        "share": round(cluster.share, 4),
    }


def query_row(report: Report, search: Search) -> Row:
    """One query: how well it went, and the ids of its first hits."""
    query = report.pictures[search.row]
    return {
        "id": query.id,
        "path": str(query.path),
        "label": query.label,
        "average_precision": round(search.average_precision, 6),
        "true_matches": search.possible,
        "hits": json.dumps([report.pictures[row].id for row in search.hits]),
    }


def confusion_rows(searches: Searches) -> list[Row]:
    """One row for each pair of labels."""
    return [
        {"label": c.labels[0], "found": c.labels[1], "wrong_hits": c.wrong, "first_hits": c.hit_count}
        for c in searches.confusions
    ]


def map_rows(report: Report, embedding_map: Map) -> Iterable[Row]:
    """One row for each dot."""
    for row, (x, y) in zip(embedding_map.rows.tolist(), embedding_map.points.tolist(), strict=True):
        picture = report.pictures[row]
        yield {
            "id": picture.id,
            "x": round(x, 4),
            "y": round(y, 4),
            "label": picture.label,
            "cluster": int(report.clusters[row]),
        }


def as_json(report: Report, clusters: Sequence[Cluster], searches: Searches) -> str:
    """The report for machines; of the health of the catalogue the length of each list."""
    ranked = [query_row(report, search) for search in searches.searches]
    document: dict[str, Any] = {
        "bundle": report.bundle_id,
        "created": report.created.isoformat(),
        "facts": dict(report.facts),
        "pictures": len(report.pictures),
        "scores": {stage: dict(scores) for stage, scores in report.scores.items()},
        "intervals": {stage: dict(ends) for stage, ends in report.intervals.items()},
        "evaluation": json.loads(results.to_json(report.evaluation)) if report.evaluation else None,
        "history": [asdict(epoch) for epoch in report.history],
        "clusters": [cluster_row(report, cluster) for cluster in clusters],
        "queries": {
            "asked": searches.query_count,
            "possible": searches.possible,
            "best": ranked[:IN_JSON],
            "worst": ranked[::-1][:IN_JSON],
        },
        "confusions": confusion_rows(searches)[:IN_JSON],
        "health": {f.name: len(getattr(report.health, f.name)) for f in fields(report.health)}
        if report.health
        else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
