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

Everything is computed in float64 and widened by more than its rounding can amount to, so a bound is never too high.
"""

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
MEMBERS = 1 << 17
"""Numbers of float64 vectors held at once: 1 MB, small enough for the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The centroids, float32 [C, d], as K-Means left them. A cluster's number is its row."""

    centroids: Vectors
    doubles: Doubles = field(init=False, repr=False)
    lengths: Doubles = field(init=False, repr=False)

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


@dataclass(frozen=True, slots=True)
class View:
    """What one query sees: the clusters nearest first, and for each a distance that none of its members undercuts."""

    order: Numbers
    """Cluster numbers [C], nearest centroid first."""
    bounds: Doubles
    """By cluster number [C], in the metric's distance; infinite for a cluster without members."""


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
        point = query.astype(np.float64)
        length = float(np.linalg.norm(point))
        across, slack = self.clusters.lengths, _slack(self.clusters.dims)
        products = self.clusters.doubles @ point
        cosines = cosines_of(products, across * length)
        # The least angle between the query and a point of the cone.
        turns = np.maximum(np.arccos(np.minimum(cosines + slack, 1)) - slack - self.angles, 0)
        if metric == "cosine":
            nearness, bounds = -cosines, 1 - np.cos(turns) - slack
        else:
            nearness = across**2 - 2 * products
            spans = _root(length**2 + nearness, slack * (length + across) ** 2)
            bounds = np.maximum(spans - self.radii, self._to_shell(length, np.cos(turns)))
        bounds[self.radii < 0] = np.inf
        return View(np.argsort(nearness, kind="stable"), bounds)

    def _to_shell(self, length: float, cosines: Doubles) -> Doubles:
        """The least distance from a query of this length to the shells, at these cosines or less (law of cosines)."""
        nearest = np.clip(length * cosines, self.shortest, self.longest)
        squared = length**2 + nearest**2 - 2 * length * nearest * cosines
        return _root(squared, _slack(self.clusters.dims) * (length + nearest) ** 2)


def _slack(dims: int) -> float:
    """More than the relative error of a sum of d products in float64 and of the few operations that follow it.

    The sum alone: d * 2**-53 (Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1).
    """
    return (dims + 16) * 2.0**-50


def lengths_of(vectors: NDArray[np.floating]) -> Doubles:
    """The lengths [n] of vectors [n, d], computed in float64."""
    lengths: Doubles = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    return lengths


def cosines_of(products: Doubles, lengths: Doubles) -> Doubles:
    """Inner products over the products of the lengths; 0 where a length is zero, as the cosine is defined here."""
    cosines: Doubles = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return np.clip(cosines, -1, 1)


def _root(squared: Doubles, error: Doubles) -> Doubles:
    """The least that the root of a square can be whose error is this much."""
    roots: Doubles = np.sqrt(np.maximum(squared - error, 0))
    return roots


def _chunks(rows: int, at_once: int) -> Iterator[slice]:
    """Slices that together are all the rows."""
    step = max(1, at_once)
    for start in range(0, rows, step):
        yield slice(start, start + step)
