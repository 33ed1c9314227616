"""Calibration: from the distance of a hit to the probability that it is a true match.

One curve a metric, fitted by the trainer on pairs that its model has never seen, and read here. Between the points of
a curve the probability is linear in the distance, beyond its ends it stays as it is there; it never rises with the
distance. So a wanted probability is a largest distance, and a search can stop there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, cast, get_args

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Doubles, Metric

Meaning = Literal["label", "picture"]
"""What a true match is: one of the same label; or, where there were no labels to learn from, the same picture."""

KEYS = ("cosine", "euclidean", "meaning", "pairs")
"""The names of a calibration's arrays."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Probabilities float64 [m], within 0..1 and never rising, at distances float64 [m], strictly ascending.

    A distance is 1 - cosine, or the Euclidean distance.
    """

    distances: Doubles
    probabilities: Doubles

    def __post_init__(self) -> None:
        shapes = (self.distances.shape, self.probabilities.shape)
        kinds = (self.distances.dtype.name, self.probabilities.dtype.name)
        if shapes[0] != shapes[1] or len(shapes[0]) != 1 or shapes[0] == (0,) or kinds != ("float64", "float64"):
            raise ValueError(
                "a curve needs distances and probabilities float64 [m], at least one of each; "
                f"found {kinds[0]} {shapes[0]} and {kinds[1]} {shapes[1]}"
            )
        if not np.isfinite(self.distances).all() or not (np.diff(self.distances) > 0).all():
            raise ValueError("the distances of a curve must be finite, each larger than the one before it")
        if not ((self.probabilities >= 0) & (self.probabilities <= 1)).all():  # false for NaN, too
            raise ValueError("the probabilities of a curve must lie within 0 and 1")
        if not (np.diff(self.probabilities) <= 0).all():
            raise ValueError("the probabilities of a curve must not rise with the distance")

    def probability(self, distances: NDArray[np.floating]) -> Doubles:
        """The probability float64 [n] of a true match at each of these distances [n]."""
        probabilities: Doubles = np.interp(distances, self.distances, self.probabilities)
        return probabilities

    def reach(self, precision: float) -> float | None:
        """The largest distance whose probability is at least `precision`: infinite if all are, None if none is."""
        beyond = len(self.probabilities) - int(np.searchsorted(self.probabilities[::-1], precision))
        if beyond == 0:
            return None
        if beyond == len(self.probabilities):
            return math.inf
        # By halving, down to neighbouring numbers: a solved equation would be rounded to either side of the answer.
        near, far = float(self.distances[beyond - 1]), float(self.distances[beyond])
        while near < (middle := near + (far - near) / 2) < far:
            if self.probability(np.array([middle]))[0] >= precision:
                near = middle
            else:
                far = middle
        return near


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How sure a bundle is of its hits. `pairs`: how many pairs of pictures it was fitted on."""

    cosine: Curve
    euclidean: Curve
    meaning: Meaning
    pairs: int

    def __post_init__(self) -> None:
        if self.meaning not in get_args(Meaning):
            raise ValueError(f"a calibration is of {' or '.join(get_args(Meaning))}; found {self.meaning!r}")
        if self.pairs < 1:
            raise ValueError(f"a calibration is fitted on at least one pair; found {self.pairs}")

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The calibration of what `arrays` gave, by name. Raises ValueError."""
        return cls(
            cosine=_curve(arrays["cosine"]),
            euclidean=_curve(arrays["euclidean"]),
            meaning=cast(Meaning, str(arrays["meaning"])),
            pairs=int(arrays["pairs"].item()),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Itself as arrays by the names in KEYS; a curve is float64 [2, m], its distances above its probabilities."""
        curves = {"cosine": self.cosine, "euclidean": self.euclidean}
        pairs = {name: np.stack([curve.distances, curve.probabilities]) for name, curve in curves.items()}
        return pairs | {"meaning": np.array(self.meaning), "pairs": np.array(self.pairs, np.int64)}

    def curve(self, metric: Metric) -> Curve:
        """The curve of this metric's distances."""
        return self.cosine if metric == "cosine" else self.euclidean


def _curve(rows: NDArray[Any]) -> Curve:
    if rows.ndim != 2 or len(rows) != 2:
        raise ValueError(f"a curve is stored as float64 [2, m]; found {rows.dtype} {rows.shape}")
    return Curve(rows[0], rows[1])
