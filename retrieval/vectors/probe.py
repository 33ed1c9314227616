"""A query beside vectors: distances in float32 that are known to a bound, and the true ones of the few that matter."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import ROUNDING, TINY, Doubles, Metric, Numbers, Vectors, cosines_of, direction_of, lengths_of
from retrieval.clusters import product_error as error_of
from retrieval.vectors.base import distances_of

MARGIN = 4
"""How many times its error the bounds of a distance lie apart: room for values that the answer rounds alike."""
MAX_VALUE = 3e38
"""Of float32, nearly: what is hidden is infinite, and never near."""
MIN_LENGTH = 1e-30
"""A shorter vector has no direction in float32; how near it is is not known here, and every search looks closer."""


class Probe:
    """A query float32 [d], prepared for distances in float32 that are known to a bound."""

    def __init__(self, query: Vectors, metric: Metric) -> None:
        self.direction, length = direction_of(query)
        self._length = np.float32(length)
        self._cosine = metric == "cosine"
        self._error = MARGIN * error_of(len(query))

    def nearest(
        self,
        products: Vectors,
        lengths: Vectors,
        *,
        k: int,
        rim: float = math.inf,
        hidden: NDArray[np.bool_] | None = None,
        slack: float = 0.0,
    ) -> tuple[Numbers, Vectors, Vectors]:
        """Where in inner products and lengths, float32 [n] each, at least all are that may be among the k nearest.

        And lie within the distance `rim`, and are not `hidden` [n]. With the bounds of their distances. `slack`: how
        wrong the products may be.
        """
        values, error = self._values(products, lengths, slack)
        unknown = lengths < MIN_LENGTH if self._cosine and lengths.min(initial=1) < MIN_LENGTH else None
        if unknown is not None:
            unknown &= lengths > 0
            values[unknown] = math.inf
        if hidden is not None:
            values[hidden] = math.inf
        most = self._raw(rim) + error
        if len(values) > k:
            most = min(most, float(np.partition(values, k - 1)[k - 1]) + 2 * error)
        places = np.flatnonzero(values <= min(most, MAX_VALUE))
        near = values[places]
        if self._cosine:
            errors = np.float32(min(error, MAX_VALUE))
            lower, upper = near - errors, near + errors
        else:
            products_error = TINY + np.float32(2.002 * float(self._length) * slack)
            spans = self._error * (lengths[places] + self._length) ** 2 + products_error
            lower = np.sqrt(np.maximum(near - spans, 0)) * np.float32(1 - ROUNDING)
            upper = np.sqrt(np.maximum(near + spans, 0)) * np.float32(1 + ROUNDING)
        if unknown is None:
            return places, lower, upper
        others = np.flatnonzero(unknown if hidden is None else unknown & ~hidden)
        nothing = np.full(len(others), np.inf, np.float32)
        return np.append(places, others), np.append(lower, -nothing), np.append(upper, nothing)

    def _values(self, products: Vectors, lengths: Vectors, slack: float) -> tuple[Vectors, float]:
        """The distances [n], of Euclidean ones the squares, and more than the error of each of them."""
        if self._cosine:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.subtract(1, products / lengths, dtype=np.float32)
            values[lengths == 0] = 1
            error = float(self._error)
            if slack > 0:
                error += 1.001 * slack / float(lengths.min(where=lengths >= MIN_LENGTH, initial=MAX_VALUE))
            return values, error
        values = lengths**2 - (2 * self._length) * products + self._length**2
        farthest = float(lengths.max(initial=0)) + float(self._length)
        return values, float(self._error) * farthest**2 + float(TINY) + 2.002 * float(self._length) * slack

    def _raw(self, distance: float) -> float:
        """A distance as `_values` has it."""
        return distance if self._cosine or distance < 0 else distance**2 * (1 + ROUNDING)


def exact_measures(query: Vectors, vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Cosine [n] and Euclidean distance [n] of a query [d] and vectors [n, d], each the true value rounded once."""
    point, members = query.astype(np.float64), vectors.astype(np.float64)
    products: Doubles = np.einsum("nd,d->n", members, point)
    lengths = lengths_of(members) * math.sqrt(point @ point)
    return cosines_of(products, lengths).astype(np.float32), lengths_of(members - point).astype(np.float32)


def ranked_hits(
    query: Vectors, vectors: Vectors, ids: Sequence[str], *, k: int, metric: Metric, within: float
) -> tuple[list[int], Vectors, Vectors]:
    """The rows of the k best of vectors [n, d], ranked and cut by what is reported: the true values, in float32.

    Ties are ranked by id. Returns the rows [h], and the cosine and the Euclidean distance [h] of each.
    """
    cosine, euclidean = exact_measures(query, vectors)
    ranked = (-cosine if metric == "cosine" else euclidean).tolist()
    near = np.flatnonzero(distances_of(cosine, euclidean, metric) <= within).tolist()
    best = sorted(near, key=lambda row: (ranked[row], ids[row]))[:k]
    return best, cosine[best], euclidean[best]
