"""The calibration bent towards what people said of hits: one straight line between stated and observed log odds.

Hits that were judged are few, and not drawn by chance, so the curve of held-out pictures stays the ground: a slope and
an offset are fitted on the judged hits (Platt 1999), drawn towards "as it is", and kept only where judgements held out
from that fit are described better.
"""

from dataclasses import dataclass, field

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from retrieval.calibration import Calibration, Curve
from retrieval.encoding.projection import unit
from trainer.evaluation.reliability import Doubles

MIN_JUDGED, MIN_OF_A_KIND = 50, 10
"""Judged hits, and right ones or wrong ones among them; fewer tell nothing."""
FOLDS = 5
CERTAIN = 1e-3  # as in `calibration`
PULL = 2.0
"""How strongly slope and offset are drawn towards one and zero, in judged hits."""


@dataclass(slots=True)
class JudgedHits:
    """Pairs of rows int64 [p, 2] and whether each was right, bool [p]; and their distances, NaN until looked at."""

    rows: NDArray[np.int64]
    right: NDArray[np.bool_]
    cosine: Doubles = field(init=False)
    euclidean: Doubles = field(init=False)

    def __post_init__(self) -> None:
        self.cosine = np.full(len(self.rows), np.nan)
        self.euclidean = np.full(len(self.rows), np.nan)

    def look(self, vectors: NDArray[np.float32], queries: NDArray[np.int64]) -> None:
        """Measure the pairs whose query is one of these rows, under vectors [n, d] that were fitted without them."""
        seen = np.isin(self.rows[:, 0], queries)
        first, second = vectors[self.rows[seen, 0]], vectors[self.rows[seen, 1]]
        self.cosine[seen] = 1 - np.einsum("pd,pd->p", unit(first), unit(second))
        self.euclidean[seen] = np.linalg.norm(first - second, axis=1)


def bent(calibration: Calibration, hits: JudgedHits) -> tuple[Calibration, int]:
    """The calibration with what was judged, and by how many hits; the very same, by 0, where that does not help."""
    measured = np.isfinite(hits.cosine)
    right = hits.right[measured]
    if len(right) < MIN_JUDGED or min(right.sum(), (~right).sum()) < MIN_OF_A_KIND:
        return calibration, 0
    curves = {}
    for metric, distances in (("cosine", hits.cosine[measured]), ("euclidean", hits.euclidean[measured])):
        curve = calibration.cosine if metric == "cosine" else calibration.euclidean
        line = _line(_odds(curve.probability(distances)), right)
        if line is None:
            return calibration, 0
        curves[metric] = Curve(curve.distances, _on_line(_odds(curve.probabilities), line))
    return Calibration(curves["cosine"], curves["euclidean"], calibration.meaning, calibration.pairs), len(right)


def _line(odds: Doubles, right: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Slope and offset; None where they describe held-out judgements no better than the curve as it is."""
    folds = np.arange(len(odds)) % FOLDS
    gains = np.empty(len(odds))
    for fold in range(FOLDS):
        kept, rest = folds != fold, folds == fold
        line = _fit(odds[kept], right[kept])
        gains[rest] = _loss(odds[rest], (1.0, 0.0), right[rest]) - _loss(odds[rest], line, right[rest])
    if gains.mean() <= gains.std() / np.sqrt(len(gains)):
        return None
    return _fit(odds, right)


def _fit(odds: Doubles, right: NDArray[np.bool_]) -> tuple[float, float]:
    def cost(line: Doubles) -> float:
        pull = PULL * ((line[0] - 1) ** 2 + line[1] ** 2) / 2
        return float(_loss(odds, (line[0], line[1]), right).sum() + pull)

    slope, offset = scipy.optimize.minimize(cost, np.array([1.0, 0.0]), bounds=[(0.05, 5), (-6, 6)]).x
    return float(slope), float(offset)


def _loss(odds: Doubles, line: tuple[float, float], right: NDArray[np.bool_]) -> Doubles:
    """The log loss of each judgement."""
    stated = line[0] * odds + line[1]
    losses: Doubles = np.logaddexp(0, np.where(right, -stated, stated))
    return losses


def _odds(probabilities: Doubles) -> Doubles:
    clipped = np.clip(probabilities, CERTAIN, 1 - CERTAIN)
    odds: Doubles = np.log(clipped / (1 - clipped))
    return odds


def _on_line(odds: Doubles, line: tuple[float, float]) -> Doubles:
    stated = 1 / (1 + np.exp(-(line[0] * odds + line[1])))
    falling: Doubles = np.minimum.accumulate(np.clip(stated, CERTAIN, 1 - CERTAIN))
    return falling
