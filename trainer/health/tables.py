"""The lists of a health check as CSV files."""

import csv
import io
from collections.abc import Iterable, Sequence

from trainer.health.contents import Copies, Health

Row = Sequence[object]


def csv_tables(health: Health) -> dict[str, str]:
    """The content of each CSV file by its name; only the header where a list is empty."""
    return {
        "unreadable.csv": _table(("picture", "reason"), ((s.place, s.reason) for s in health.unreadable)),
        "identical.csv": _groups(health.identical),
        "same_picture.csv": _groups(health.same_picture),
        "same_thing.csv": _groups(health.same_thing),
        "wrong_labels.csv": _table(
            ("id", "picture", "label", "suggested", "confidence"),
            (
                (w.picture.id, w.picture.path, w.picture.label, w.suggested, round(w.confidence, 4))
                for w in health.wrong_labels
            ),
        ),
        "lonely.csv": _table(
            ("id", "picture", "distance"),
            ((lonely.picture.id, lonely.picture.path, round(lonely.distance, 4)) for lonely in health.lonely),
        ),
        "small_labels.csv": _table(("label", "pictures"), ((s.label, s.pictures) for s in health.small_labels)),
        "leaks.csv": _table(
            ("held_out", "training", "kind"), ((leak.held_out, leak.training, leak.kind) for leak in health.leaks)
        ),
    }


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
