"""Faces that are probably of one person: votes among neighbours (Chinese whispers).

Biemann 2006, "Chinese Whispers: an Efficient Graph Clustering Algorithm", TextGraphs. Every face begins as a group of
its own; in turn, each joins the group that its neighbours' probabilities speak most for, until none moves. Unlike
chains of neighbours, groups are not joined by a single face that is like two people.
"""

import numpy as np
from numpy.typing import NDArray

from retrieval.calibration import Curve
from retrieval.encoding.projection import unit
from trainer.health.label_errors import nearest, nearest_others

NEIGHBOURS = 64
"""Of each face, those that may vote."""
MAX_ROUNDS = 50
"""It settles in fewer than ten; some graphs never do."""


def group_faces(
    vectors: NDArray[np.float32], curve: Curve, min_probability: float, *, seed: int = 0
) -> NDArray[np.int64]:
    """The group of each vector float32 [n, d], int64 [n]: the row of one of its members.

    Two are neighbours where `curve`, of cosine distances, is at least `min_probability` sure that they are one person.
    """
    groups = np.arange(len(vectors))
    if len(vectors) < 2:
        return groups
    cosines, neighbours = nearest_others(unit(vectors), min(NEIGHBOURS, len(vectors) - 1))
    probabilities = curve.probability(1 - cosines.astype(np.float64))
    votes: list[dict[int, float]] = [{} for _ in groups]
    for row, column in zip(*np.nonzero((probabilities >= min_probability) & (neighbours >= 0)), strict=True):
        other, probability = int(neighbours[row, column]), float(probabilities[row, column])
        votes[row][other] = votes[other][row] = probability
    random = np.random.default_rng(seed)
    connected = [row for row, of_row in enumerate(votes) if of_row]
    for _ in range(MAX_ROUNDS):
        moved = False
        for row in random.permutation(connected).tolist():
            tally: dict[int, float] = {}
            for other, probability in votes[row].items():
                group = int(groups[other])
                tally[group] = tally.get(group, 0.0) + probability
            best = max(tally, key=lambda group: (tally[group], group == groups[row], -group))
            moved |= best != groups[row]
            groups[row] = best
        if not moved:
            break
    return groups


def nearest_names(
    faces: NDArray[np.float32], named: NDArray[np.float32], curve: Curve
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of each face [n, d] the row of the nearest named one [m, d], or -1, int64 [n]; how probably it is theirs."""
    if not len(named) or not len(faces):
        return np.full(len(faces), -1, np.int64), np.zeros(len(faces))
    cosines, rows = nearest(unit(named), unit(faces), 1)
    return rows[:, 0], curve.probability(1 - cosines[:, 0].astype(np.float64))
