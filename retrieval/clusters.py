"""Clusters: the K-Means cells of the vectors, how far their members reach, and what that proves about a search.

A search opens clusters nearest first and stops once no unopened one can hold a better hit. The proof is a region that
holds every member z of a cluster with centroid c (`Reach`):

- a ball around the centroid, |z - c| <= radius,
- a cone around its direction, angle(z, c) <= angle,
- a shell around the origin, shortest <= |z| <= longest.

No member can be nearer to a query than the nearest point of that region. Balls and cones are the triangle inequality,
on vectors and on directions (Uhlmann 1991, "Satisfying general proximity/similarity queries with metric trees"). Cone
and shell together bound the Euclidean distance, too, and mostly more tightly than the ball: long and short vectors of
one direction stretch the ball, but not the cone.

What is kept of the members is computed in float64. A query compares itself with thousands of clusters in float32, which
takes a fraction of the time; every bound is lowered by more than the rounding can amount to, so it is never too high.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

Metric = Literal["cosine", "euclidean"]
"""What near means: a high cosine, or a small Euclidean distance. As a distance, the cosine is 1 - cosine."""

Vectors = NDArray[np.float32]
Doubles = NDArray[np.float64]
Numbers = NDArray[np.int64]

PRODUCTS = 1 << 22
"""Inner products held at once: 16 MB, large enough for BLAS to share out among its threads."""
ROUNDING = 1e-6
"""More than the relative error of the few operations in float32 that follow an inner product."""
TINY = np.float32(1e-35)
"""More than the squares of float32 numbers lose when they underflow."""
MEMBERS = 1 << 17
"""Numbers of float64 vectors held at once: 1 MB, small enough for the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The centroids, float32 [C, d], as K-Means left them. A cluster's number is its row."""

    centroids: Vectors
    doubles: Doubles = field(init=False, repr=False)
    lengths: Doubles = field(init=False, repr=False)
    directions: Vectors = field(init=False, repr=False)
    """The centroids scaled to length one; zeros for a centroid of zeros."""

    def __post_init__(self) -> None:
        if self.centroids.ndim != 2 or 0 in self.centroids.shape or self.centroids.dtype != np.float32:
            raise ValueError(
                "clusters need centroids float32 [C, d], at least one of at least one number; "
                f"found {self.centroids.dtype} {self.centroids.shape}"
            )
        if not np.isfinite(self.centroids).all():
            raise ValueError("a centroid holds a number that is not finite; fit the clusters again")
        doubles = self.centroids.astype(np.float64)
        object.__setattr__(self, "doubles", doubles)
        object.__setattr__(self, "lengths", lengths_of(doubles))
        object.__setattr__(self, "directions", directions_of(doubles))

    def __len__(self) -> int:
        return len(self.centroids)

    @property
    def dims(self) -> int:
        """d, the length of a vector."""
        return int(self.centroids.shape[1])

    def assign(self, vectors: Vectors) -> Numbers:
        """The number of the nearest centroid (Euclidean, as in K-Means) of each vector [n, d]: int64 [n]."""
        halved = (self.lengths**2 / 2).astype(np.float32)
        assigned = np.empty(len(vectors), np.int64)
        for rows in _chunks(len(vectors), PRODUCTS // len(self)):
            assigned[rows] = (vectors[rows] @ self.centroids.T - halved).argmax(axis=1)
        return assigned


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one query sees of the clusters."""

    nearness: Vectors
    """Grows as the square of the length to the centroid does, float32 [C]: clusters are opened in ascending order."""
    _reach: "Reach"
    _metric: Metric
    _length: np.float32
    _cosines: Vectors

    @property
    def bounds(self) -> Vectors:
        """The distance in the metric that no member undercuts, float32 [C]; infinite for a cluster without members."""
        return self.bounds_of(np.arange(len(self.nearness)))

    @property
    def order(self) -> Numbers:
        """Cluster numbers [C], nearest centroid first."""
        return np.argsort(self.nearness, kind="stable")

    def nearest(self, count: int) -> Numbers:
        """Of the nearest `count` clusters the numbers of those that have members, nearest first."""
        if count >= len(self.nearness):
            return self._in_order(np.arange(len(self.nearness)))
        return self._in_order(np.argpartition(self.nearness, count)[:count])

    def others(self, listed: Numbers) -> Numbers:
        """The numbers of all clusters that have members, without those that are listed, nearest first."""
        unlisted = np.ones(len(self.nearness), bool)
        unlisted[listed] = False
        return self._in_order(np.flatnonzero(unlisted))

    def centroid_distance(self, number: int) -> float:
        """The distance in the metric to a cluster's centroid, nearly."""
        nearness = float(self.nearness[number])
        if self._metric == "cosine":
            return max(1 + nearness, 0)
        return math.sqrt(max(nearness + float(self._length) ** 2, 0))

    def length(self, distance: float) -> float:
        """A distance in the metric as a length: by cosine that of the chord, but for a factor."""
        return math.sqrt(max(distance, 0)) if self._metric == "cosine" else max(distance, 0)

    def _in_order(self, numbers: Numbers) -> Numbers:
        numbers = numbers[np.argsort(self.nearness[numbers], kind="stable")]
        if self._reach.all_filled:
            return numbers
        return numbers[self._reach.radii[numbers] >= 0]

    def guess(self, number: int) -> float:
        """Nearly the bound of one cluster, at once: tells whether it is worth the time to compute bounds."""
        reach, length = self._reach, float(self._length)
        turn = math.acos(min(max(float(self._cosines[number]), -1), 1)) - float(reach.angles[number])
        cosine = math.cos(max(turn, 0))
        if self._metric == "cosine":
            return 1 - cosine
        nearest = min(max(length * cosine, float(reach.shortest[number])), float(reach.longest[number]))
        squared = (length - nearest) ** 2 + 2 * length * nearest * (1 - cosine)
        return max(math.sqrt(squared), self.centroid_distance(number) - float(reach.radii[number]))

    def bounds_of(self, numbers: Numbers) -> Vectors:
        """The bounds [n] of these clusters [n]."""
        region = self._reach.region[:, numbers]
        cosine_of_angle, sine_of_angle, radii, shortest, longest, across = region
        length, cosines, dims = self._length, self._cosines[numbers], self._reach.clusters.dims
        # The greatest cosine of a member: of the least angle between the query and a point of the cone.
        largest_cosine = np.minimum(cosines + product_error(dims), 1)
        turned = largest_cosine * cosine_of_angle + np.sqrt((1 - largest_cosine) * (1 + largest_cosine)) * sine_of_angle
        most = np.where(largest_cosine >= cosine_of_angle, 1, np.minimum(turned + ROUNDING, 1)).astype(np.float32)
        if self._metric == "cosine":
            bounds: Vectors = 1 - most
        else:
            error = product_error(dims) * (length + across) ** 2
            spans = np.sqrt(np.maximum(_squared(length, across, cosines) - error - TINY, 0)) * (1 - ROUNDING)
            nearest = np.clip(length * most, shortest, longest)
            squared = _squared(length, nearest, most) - ROUNDING * (length + nearest) ** 2 - TINY
            bounds = np.maximum(spans - radii, np.sqrt(np.maximum(squared, 0)) * (1 - ROUNDING))
        bounds[radii < 0] = np.inf
        return bounds


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """How far the members of each cluster lie, float64 [C] each; a radius below zero: a cluster without members."""

    clusters: Clusters
    radii: Doubles
    """Largest distance from a member to the centroid."""
    angles: Doubles
    """Largest angle between a member and the centroid, in radians; pi where either is zero and has no direction."""
    shortest: Doubles
    longest: Doubles
    region: Vectors = field(init=False, repr=False)
    """What bounds are computed from, float32 [6, C]: the region rounded outwards, and the centroids' lengths."""
    all_filled: bool = field(init=False, repr=False)
    """Whether every cluster has members."""

    def __post_init__(self) -> None:
        angles = np.minimum(self.angles + ROUNDING, np.pi)
        region = (
            np.cos(angles) - ROUNDING,
            np.sin(angles) + ROUNDING,
            self.radii * (1 + ROUNDING),
            np.where(self.radii < 0, 0, self.shortest * (1 - ROUNDING)),
            self.longest * (1 + ROUNDING),
            self.clusters.lengths,
        )
        object.__setattr__(self, "region", np.stack(region).astype(np.float32))
        object.__setattr__(self, "all_filled", bool((self.radii >= 0).all()))

    @classmethod
    def nowhere(cls, clusters: Clusters) -> Self:
        """The reach of clusters that have no members yet."""
        count = len(clusters)
        return cls(clusters, np.full(count, -1.0), np.zeros(count), np.full(count, np.inf), np.zeros(count))

    def widened(self, vectors: Vectors, assigned: Numbers) -> Self:
        """The reach once these vectors [n, d] have joined the clusters they are assigned to [n]."""
        radii, angles = self.radii.copy(), self.angles.copy()
        shortest, longest = self.shortest.copy(), self.longest.copy()
        slack = _slack(self.clusters.dims)
        for rows in _chunks(len(vectors), MEMBERS // self.clusters.dims):
            members, cells = vectors[rows].astype(np.float64), assigned[rows]
            centroids, across = self.clusters.doubles[cells], self.clusters.lengths[cells]
            lengths, spans = lengths_of(members), lengths_of(members - centroids)
            cosines = cosines_of(np.einsum("nd,nd->n", members, centroids), lengths * across)
            turns = np.where(lengths * across > 0, np.arccos(np.maximum(cosines - slack, -1)) + slack, np.pi)
            np.maximum.at(radii, cells, spans * (1 + slack))
            np.maximum.at(angles, cells, turns)
            np.minimum.at(shortest, cells, lengths * (1 - slack))
            np.maximum.at(longest, cells, lengths * (1 + slack))
        return type(self)(self.clusters, radii, angles, shortest, longest)

    def view(self, query: Vectors, metric: Metric) -> View:
        """The clusters as seen from a query float32 [d]."""
        direction, exact_length = direction_of(query)
        length, cosines = np.float32(exact_length), self.clusters.directions @ direction
        if metric == "cosine":
            nearness = -cosines
        else:
            across = self.region[-1]
            nearness = across * (across - (2 * length) * cosines)
        return View(nearness, self, metric, length, cosines)


def product_error(dims: int) -> np.float32:
    """More than the error of the inner product of two vectors float32 [d] of length one, computed in float32.

    The sum alone: d * 2**-24 (Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1).
    """
    return np.float32((dims + 16) * 2.0**-23)


def _squared(length: np.float32, lengths: Vectors, cosines: Vectors) -> Vectors:
    """Squared distances [n] between a point of this length and points of these lengths [n] (law of cosines)."""
    squared: Vectors = (length - lengths) ** 2 + 2 * length * lengths * (1 - cosines)
    return squared


def _slack(dims: int) -> float:
    """More than the relative error of a sum of d products in float64 and of the few operations that follow it."""
    return (dims + 16) * 2.0**-50


def direction_of(vector: Vectors) -> tuple[Vectors, float]:
    """A vector float32 [d] scaled to length one, float32 [d], and its length; zeros stay zeros."""
    doubles = vector.astype(np.float64)
    length = math.sqrt(doubles @ doubles)
    return (doubles / length).astype(np.float32) if length > 0 else np.zeros_like(vector), length


def directions_of(vectors: Doubles) -> Vectors:
    """Vectors float64 [n, d] scaled to length one, float32; a vector of zeros stays one, so that its cosine is 0."""
    lengths = lengths_of(vectors)[:, None]
    scaled: Doubles = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled.astype(np.float32)


def lengths_of(vectors: NDArray[np.floating]) -> Doubles:
    """The lengths [n] of vectors [n, d], computed in float64."""
    lengths: Doubles = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    return lengths


def cosines_of(products: Doubles, lengths: Doubles) -> Doubles:
    """Inner products over the products of the lengths; 0 where a length is zero, as the cosine is defined here."""
    cosines: Doubles = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return np.clip(cosines, -1, 1)


def _chunks(rows: int, at_once: int) -> Iterator[slice]:
    """Slices that together are all the rows."""
    step = max(1, at_once)
    for start in range(0, rows, step):
        yield slice(start, start + step)
