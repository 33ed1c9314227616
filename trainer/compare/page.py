"""A comparison as files: one self-contained page, the training curves, and all figures as JSON."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from retrieval.durable import write_atomically
from trainer.compare.plots import draw
from trainer.compare.results import TIMED_CUTS, Comparison, Row
from trainer.evaluation.measures import CUTS
from trainer.plotting import DARK, LIGHT
from trainer.report.page import template

PAGE, PLOT, FIGURES = "compare.html", "compare.png", "compare.json"


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a row: how it is read, written, and which way is better; None where neither is."""

    group: str
    title: str
    value: Callable[[Row], float | None]
    text: Callable[[float], str]
    better: Literal["more", "less"] | None = None
    short: str = ""
    """What it is called in the table on the command line; empty where it is left out there."""
    measure: str = ""
    """The name of the measure whose interval stands beside the figure; empty where it has none."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure as it is shown."""

    text: str
    best: bool
    interval: str = ""
    """Its 95 % interval."""


def share(value: float) -> str:
    """0.125"""
    return f"{value:.3f}"


def milliseconds(value: float) -> str:
    """12.5"""
    return f"{value:.1f}"


def millions(value: float) -> str:
    """3.37"""
    return f"{value / 1e6:.2f}"


def megabytes(value: float) -> str:
    """13.7"""
    return f"{value / 1e6:.1f}"


def duration(value: float) -> str:
    """0 s, 42.5 s, 12 min"""
    if not value:
        return "0 s"
    return f"{value:.1f} s" if value < 600 else f"{value / 60:.0f} min"


def _at(name: str, place: int) -> Callable[[Row], float]:
    return lambda row: float(getattr(row.at[place], name))


def _query(k: int) -> Callable[[Row], float]:
    return lambda row: row.query_milliseconds[k]


COLUMNS = (
    *(
        Column(
            group,
            str(k),
            _at(name, place),
            share,
            "more",
            short=f"top-{k}" if name == "accuracy" and k != 5 else "",
            measure=f"{name}@{k}",
        )
        for group, name in (
            ("Top-k accuracy", "accuracy"),
            ("Precision@k", "precision"),
            ("Recall@k", "recall"),
            ("F1@k", "f1"),
        )
        for place, k in enumerate(CUTS)
    ),
    Column("Whole ranking", "mAP", lambda row: row.map, share, "more", short="mAP", measure="map"),
    Column("Whole ranking", "MAP@R", lambda row: row.map_at_r, share, "more", measure="map@r"),
    Column("Mean distance", "hits", lambda row: row.hits.cosine if row.hits else None, share),
    Column("Mean distance", "misses", lambda row: row.misses.cosine if row.misses else None, share),
    *(
        Column("Query, ms at k", str(k), _query(k), milliseconds, "less", short="query ms" if k == 10 else "")
        for k in TIMED_CUTS
    ),
    Column("Encoder", "parameters, M", lambda row: row.parameters, millions, "less"),
    Column("Encoder", "file, MB", lambda row: row.encoder_bytes, megabytes, "less"),
    Column("Training", "time", lambda row: row.training_seconds, duration, short="train"),
)


def write(comparison: Comparison, out: Path) -> None:
    """Write compare.html, compare.json and, where something was trained, compare.png into the folder `out`.

    Each file is replaced as a whole.
    """
    out.mkdir(parents=True, exist_ok=True)
    light, dark = draw(comparison.rows, LIGHT), draw(comparison.rows, DARK)
    if light:
        _replace(out / PLOT, light)
    else:
        (out / PLOT).unlink(missing_ok=True)
    _replace(out / PAGE, render(comparison, light, dark).encode())
    figures = asdict(comparison) | {"created": comparison.created.isoformat()}
    _replace(out / FIGURES, json.dumps(figures, indent=2, allow_nan=False).encode())


def render(comparison: Comparison, light: bytes | None, dark: bytes | None) -> str:
    """The page, with the curves for a light and a dark screen (PNG) inside it."""
    rows = comparison.rows
    groups = {column.group: sum(other.group == column.group for other in COLUMNS) for column in COLUMNS}
    return template(PAGE).render(
        comparison=comparison,
        groups=groups,
        columns=COLUMNS,
        table=list(zip(rows, cells(rows), strict=True)),
        winner=max(rows, key=lambda row: row.map, default=None),
        measured_on=list(dict.fromkeys(row.measured_on for row in rows)),
        folders=list(dict.fromkeys(row.artifacts for row in rows)),
        versions=_versions(rows),
        light=light and b64encode(light).decode(),
        dark=dark and b64encode(dark).decode(),
    )


def cells(rows: Sequence[Row], columns: Sequence[Column] = COLUMNS) -> list[list[Cell]]:
    """What the table shows, row by row. Best is what reads the same as the best figure of its column.

    No figure is best where all read the same, nor how well rows do that were measured on different pictures.
    """
    alike = len({row.measured_on.digest for row in rows}) == 1
    columns_of_cells = [_column(column, rows, marked=alike or column.better == "less") for column in columns]
    return [list(row) for row in zip(*columns_of_cells, strict=True)]


def _column(column: Column, rows: Sequence[Row], *, marked: bool) -> list[Cell]:
    values = [column.value(row) for row in rows]
    texts = ["none" if value is None else column.text(value) for value in values]
    numbers = [value for value in values if value is not None]
    best = None
    if marked and column.better and numbers and len(set(texts)) > 1:
        best = column.text((max if column.better == "more" else min)(numbers))
    intervals = [row.intervals.get(column.measure) for row in rows]
    return [
        Cell(text, text == best, f"{interval.low:.3f} to {interval.high:.3f}" if interval else "")
        for text, interval in zip(texts, intervals, strict=True)
    ]


def _versions(rows: Sequence[Row]) -> dict[str, str]:
    """What the runs were made with; several versions where runs differ."""
    names = dict.fromkeys(name for row in rows for name in row.versions)
    return {
        name: ", ".join(dict.fromkeys(row.versions[name] for row in rows if name in row.versions)) for name in names
    }


def _replace(path: Path, data: bytes) -> None:
    """Whoever reads the file sees all of the old one or all of the new one."""
    with write_atomically(path, several=True) as draft:
        draft.write_bytes(data)
