"""The third tier: other pictures of the same thing, by the calibrated probability of the distance between vectors."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retrieval.clusters import Doubles, Vectors, lengths_of
from retrieval.duplicates.candidates import neighbour_graph

NEIGHBOURS = 16
LEAST_PROBABILITY = 0.95
CHUNK = 8192  # vectors searched with at once


class Probabilities(Protocol):
    """A calibrated curve for the cosine distance."""

    def probability(self, distances: Doubles) -> Doubles:
        """The probability [n] of a true match at cosine distances [n]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedVectors:
    """What the third tier needs: vectors float32 [n, d] in the order of the pictures, and what a distance means."""

    vectors: Vectors
    cosine: Probabilities
    least: float = LEAST_PROBABILITY


def same_thing_pairs(calibrated: CalibratedVectors) -> list[tuple[int, int]]:
    """Pairs of rows, the smaller first, that show the same thing with at least the probability asked for.

    Near-linear: only the nearest few of each are looked at. A vector of zeros has no direction, and no pair.
    """
    lengths = lengths_of(calibrated.vectors)
    rows = np.flatnonzero(lengths > 0)
    if len(rows) < 2:
        return []
    units = (calibrated.vectors[rows] / lengths[rows, None]).astype(np.float32)
    graph = neighbour_graph(units)
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(units), CHUNK):
        cosines, near = graph.search(units[start : start + CHUNK], min(NEIGHBOURS + 1, len(units)))
        likely = (
            calibrated.cosine.probability(np.maximum(1 - cosines.astype(np.float64).ravel(), 0)) >= calibrated.least
        )
        query, place = np.nonzero(likely.reshape(near.shape) & (near >= 0))
        ours, theirs = rows[start + query], rows[near[query, place]]
        different = ours != theirs
        new_pairs = zip(np.minimum(ours, theirs)[different], np.maximum(ours, theirs)[different], strict=True)
        pairs |= {(int(first), int(second)) for first, second in new_pairs}
    return sorted(pairs)


def star_groups(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Groups in which every member makes a pair with one of them, the middle: the best connected picture first.

    Not all that is connected: likeness is not passed on, and along a chain of small steps a cup becomes a jug.
    Aslam et al. 2004, "The star clustering algorithm for static and dynamic information organization".
    """
    degrees = Counter(row for pair in pairs for row in pair)
    near: dict[int, list[int]] = {row: [] for row in degrees}
    for first, second in pairs:
        near[first].append(second)
        near[second].append(first)
    grouped: set[int] = set()
    groups = []
    for middle in sorted(degrees, key=lambda row: (-degrees[row], row)):
        members = [row for row in near[middle] if row not in grouped]
        if middle in grouped or not members:
            continue
        grouped |= {middle, *members}
        groups.append(tuple(sorted([middle, *members])))
    return sorted(groups)
