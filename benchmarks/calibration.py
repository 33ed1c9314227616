"""Whether match probabilities are what they say: grocery's test pictures, unseen by model and calibration alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.setup import embed_source, grocery, official, publish, table, trained
from retrieval.clusters import Metric
from trainer.bundles import load_current
from trainer.evaluation.reliability import HeldOutSearch, hit_pairs, reliability

PRECISIONS = (0.8, 0.9, 0.95)
HEADER = "bundle | metric | pairs fitted | ECE | Brier | " + " | ".join(
    f"asked {p:g}: right (kept)" for p in PRECISIONS
)


def main() -> None:
    """The tuned head, cross-fitted on training pictures; the fine-tuned network, on those it has not learned from."""
    bundles = {
        "tuned head (`demo.toml`)": trained("demo"),
        "fine-tuned (`grocery.toml`)": trained("grocery", official()),
    }
    rows = [_row(name, measurement) for name, artifacts in bundles.items() for measurement in measure(artifacts)]
    publish("calibration", table(HEADER, rows))


@dataclass(frozen=True, slots=True)
class PrecisionAt:
    """Of hits asked for with a precision: the share that is right, None of none; the share of true matches kept."""

    asked: float
    right: float | None
    kept: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What was stated of the first 20 hits of every test picture, as served, against what is true."""

    metric: Metric
    fitted_on: int
    ece: float
    brier: float
    kept: tuple[PrecisionAt, ...]


def measure(artifacts: Path) -> list[Measured]:
    """Both metrics. Raises ValueError for a bundle without a calibration."""
    loaded = load_current(artifacts)
    if loaded.calibration is None:
        raise ValueError(f"the bundle in {artifacts} is not calibrated")
    queries, gallery = (
        embed_source(str(grocery(part)), loaded, artifacts, lambda *_: None) for part in ("test", "train")
    )
    numbers = np.unique(np.concatenate([queries.labels, gallery.labels]), return_inverse=True)[1]
    query_numbers, gallery_numbers = numbers[: len(queries.labels)], numbers[len(queries.labels) :]
    search = HeldOutSearch(
        queries.vectors, query_numbers, gallery.vectors, gallery_numbers, np.full(len(query_numbers), -1)
    )
    measurements = []
    for metric in get_args(Metric):
        pairs = hit_pairs(search, metric)
        stated = loaded.calibration.curve(metric).probability(pairs.distances)
        measured_curve = reliability(stated, pairs.matches, metric, loaded.calibration.meaning, "isotonic")
        kept = tuple(_kept(stated, pairs.matches, precision) for precision in PRECISIONS)
        measurements.append(Measured(metric, loaded.calibration.pairs, measured_curve.ece, measured_curve.brier, kept))
    return measurements


def _kept(stated: NDArray[np.float64], matches: NDArray[np.bool_], level: float) -> PrecisionAt:
    sure = stated >= level
    right = float(matches[sure].mean()) if sure.any() else None
    return PrecisionAt(level, right, float(matches[sure].sum() / matches.sum()))


def _row(name: str, measurement: Measured) -> tuple[str, ...]:
    shares = ("none" if k.right is None else f"{k.right:.3f} ({k.kept:.0%})" for k in measurement.kept)
    return (
        name,
        measurement.metric,
        f"{measurement.fitted_on:,}",
        f"{measurement.ece:.3f}",
        f"{measurement.brier:.3f}",
        *shares,
    )
