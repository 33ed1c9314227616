"""A query beside vectors: distances in float32 that are known to a bound, and the true ones of the few that matter."""

import math

import numpy as np

from retrieval.clusters import ROUNDING, TINY, Doubles, Metric, Numbers, Vectors, cosines_of, directions_of, lengths_of
from retrieval.clusters import product_error as error_of
from retrieval.vectors.rounds import Measured

MARGIN = 4
"""How many times its error the bounds of a distance lie apart: room for values that the answer rounds alike."""
MIN_LENGTH = 1e-30
"""A shorter vector has no direction in float32; how near it is is not known here, and every search looks closer."""


class Probe:
    """A query float32 [d], prepared for distances in float32 that are known to a bound."""

    def __init__(self, query: Vectors, metric: Metric) -> None:
        doubles = query.astype(np.float64)
        self.direction = directions_of(doubles[None])[0]
        self._length = np.float32(math.sqrt(doubles @ doubles))
        self._cosine = metric == "cosine"
        self._error = MARGIN * error_of(len(query))

    def bounds(self, products: Vectors, lengths: Vectors) -> tuple[Vectors, Vectors]:
        """Between which values the distances lie, of vectors with these inner products and lengths, float32 [n] each.

        Of Euclidean distances, the squares. Where nothing is known, minus and plus infinity.
        """
        if self._cosine:
            unknown = (lengths < MIN_LENGTH) & (lengths > 0)
            with np.errstate(divide="ignore", invalid="ignore"):
                values = 1 - np.where(lengths > 0, products / lengths, np.float32(0))
            lower, upper = values - self._error, values + self._error
            if unknown.any():
                lower[unknown], upper[unknown] = -math.inf, math.inf
            return lower, upper
        values = lengths**2 - (2 * self._length) * products + self._length**2
        errors = self._error * (lengths + self._length) ** 2 + TINY
        return values - errors, values + errors

    def raw(self, distance: float) -> float:
        """A distance as `bounds` has it."""
        return distance if self._cosine or distance < 0 else distance**2 * (1 + ROUNDING)

    def measured(self, rows: Numbers, lower: Vectors, upper: Vectors) -> Measured:
        """Rows with the bounds of their distances, from what `bounds` says of them."""
        if self._cosine:
            return Measured(rows, lower, upper)
        roots = (np.sqrt(np.maximum(bound, 0)) for bound in (lower, upper))
        return Measured(rows, next(roots) * np.float32(1 - ROUNDING), next(roots) * np.float32(1 + ROUNDING))


def candidates(lower: Vectors, upper: Vectors, k: int, rim: float) -> Numbers:
    """Where, in bounds [n], the value may be among the k smallest, and at most `rim`."""
    if len(upper) > k:
        rim = min(rim, float(np.partition(upper, k - 1)[k - 1]))
    return np.flatnonzero((lower <= rim) & (lower < math.inf))


def exact_measures(query: Vectors, vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Cosine [n] and Euclidean distance [n] of a query [d] and vectors [n, d], each the true value rounded once."""
    point, members = query.astype(np.float64), vectors.astype(np.float64)
    products: Doubles = np.einsum("nd,d->n", members, point)
    lengths = lengths_of(members) * lengths_of(point[None])
    return cosines_of(products, lengths).astype(np.float32), lengths_of(members - point).astype(np.float32)
