"""Reports for tests: a few real pictures, vectors in groups, and an evaluation that has everything in it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.bundles import picture
from trainer.evaluation.measures import FORMULAS
from trainer.evaluation.results import Evaluation, Interval, LadderRow, Leak, Missing, Protocol, Reliability
from trainer.progress import Epoch
from trainer.report.model import Report
from trainer.sources.base import Picture

DIMS = 6


def pictures(folder: Path, labels: Sequence[str | None]) -> list[Picture]:
    """A picture for each label, in files of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    result = []
    for number, label in enumerate(labels):
        path = folder / f"{number:03}.jpg"
        path.write_bytes(picture(number))
        result.append(Picture(f"item-{number:03}", path, label))
    return result


def grouped(labels: Sequence[str | None], *, apart: float = 4.0, seed: int = 0) -> np.ndarray:
    """Vectors float32 [n, DIMS] around a middle for each label; those without one are anywhere."""
    rng = np.random.default_rng(seed)
    middles = {label: rng.normal(0, apart, DIMS) for label in sorted({one for one in labels if one is not None})}
    rows = [rng.normal(0, 1, DIMS) + (middles[label] if label is not None else 0) for label in labels]
    return np.array(rows, np.float32).reshape(len(labels), DIMS)


def report(folder: Path, labels: Sequence[str | None], **changes: Any) -> Report:
    """A report on as many pictures as there are labels; nothing but pictures and vectors unless it is given."""
    result = pictures(folder, labels)
    fields: dict[str, Any] = {
        "bundle_id": "20261124-120000-ab12",
        "created": datetime(2026, 11, 24, 12, tzinfo=UTC),
        "facts": {"Encoder": "tiny"},
        "pictures": result,
        "vectors": grouped(labels),
        "clusters": np.arange(len(labels), dtype=np.int64) % 3,
        "held_out": np.ones(len(labels), bool),
    }
    return Report(**(fields | changes))


HISTORY = [Epoch("head", n, 1 / (n + 1), 0.8, 0.6 + n / 20, 0.1 + n) for n in range(4)]


def protocol(label: str = "bowl") -> Protocol:
    """Better than frozen, worse than what is live, in everything."""
    measures = {name: Interval(0.8, 0.75, 0.85) for name in FORMULAS}
    compared = [name for name in FORMULAS if not name.startswith("distance")]
    return Protocol(
        name="known labels",
        queries=40,
        unanswerable=2,
        gallery=200,
        labels=1,
        leave_one_out=False,
        measures=measures,
        per_label={label: dict.fromkeys(FORMULAS, 0.5) | {"queries": 40.0}},
        against={
            "frozen": dict.fromkeys(compared, Interval(0.1, 0.05, 0.15)),
            "live": dict.fromkeys(compared, Interval(-0.02, -0.03, -0.01)),
        },
        precision_recall=tuple((n / 20, 1 - n / 40) for n in range(21)),
    )


def evaluation(label: str = "bowl") -> Evaluation:
    """Everything that an evaluation can hold."""
    bins = tuple((n / 10, n / 12, 10 * n + 1) for n in range(11))
    probe_counts: list[tuple[Any, float, float | None, float]] = [
        (1, 0.7, 1.0, 0.05),
        (2, 0.9, 2.0, 0.07),
        (4, 1.0, 4.0, 0.1),
        ("auto", 0.99, 3.2, 0.09),
        ("brute force", 1.0, None, 0.8),
        ("kd-tree", 1.0, None, 2.1),
    ]
    ladder = [
        LadderRow(metric, probes, recall, opened, milliseconds, 2 * milliseconds)
        for metric in ("cosine", "euclidean")
        for probes, recall, opened, milliseconds in probe_counts
    ]
    return Evaluation(
        bundle_id="20261124-120000-ab12",
        protocols=(protocol(label), Missing("new labels", f"no label but {label} was held out.")),
        leaks=(Leak("a.jpg", "b.jpg", "identical"),),
        ladder=tuple(ladder),
        auto_probes=3,
        query_milliseconds_p50=12.3,
        query_milliseconds_p95=20.1,
        reliability={
            metric: Reliability(metric, bins, 0.021, 0.101, 616, "label", "isotonic")
            for metric in ("cosine", "euclidean")
        },
    )
