"""The lists of a health check as CSV files."""

import csv
import io
from collections.abc import Iterable, Sequence
from hashlib import sha256

from trainer.health.findings import Copies, Health
from trainer.sources.base import Picture

HEALTH_TABLES = (
    "unreadable.csv",
    "identical.csv",
    "same_picture.csv",
    "same_thing.csv",
    "wrong_labels.csv",
    "outliers.csv",
    "small_labels.csv",
    "leaks.csv",
)

Row = Sequence[object]


def csv_tables(health: Health) -> dict[str, str]:
    """The content of each of HEALTH_TABLES; only the header where a list is empty."""
    texts = (
        _table(("picture", "reason"), ((s.place, s.reason) for s in health.unreadable)),
        _groups(health.identical),
        _groups(health.same_picture),
        _groups(health.same_thing),
        _table(
            ("id", "picture", "label", "suggested", "confidence", "sha256"),
            (
                (w.picture.id, w.picture.path, w.picture.label, w.suggested, round(w.confidence, 4), _sha256(w.picture))
                for w in health.wrong_labels
            ),
        ),
        _table(
            ("id", "picture", "distance"),
            ((outlier.picture.id, outlier.picture.path, round(outlier.distance, 4)) for outlier in health.outliers),
        ),
        _table(("label", "pictures"), ((s.label, s.pictures) for s in health.small_labels)),
        _table(("held_out", "training", "kind"), ((leak.held_out, leak.training, leak.kind) for leak in health.leaks)),
    )
    return dict(zip(HEALTH_TABLES, texts, strict=True))


def _groups(groups: Sequence[Copies]) -> str:
    """A line for each member of each group."""
    return _table(
        ("group", "id", "picture", "keep", "why"),
        (
            (number, member.id, member.path, "yes" if member.id == group.keep.id else "no", group.why)
            for number, group in enumerate(groups, start=1)
            for member in group.members
        ),
    )


def _table(header: Row, rows: Iterable[Row]) -> str:
    """Paths that hold bytes which are no text are written escaped."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace").decode()


def _sha256(picture: Picture) -> str:
    """Of the picture's file: what is said of it holds for no other one under its id. Empty if it cannot be read."""
    try:
        return sha256(picture.path.read_bytes()).hexdigest()
    except OSError:
        return ""
