"""Which pictures to ask people about: those first whose answers teach most.

A picture is worth asking about when its neighbours do not agree with what is known of it. Neighbours vote for labels
by their similarity. Without a label, the margin between the two labels with most votes says how open the question is
(margin sampling: Scheffer et al. 2001, "Active Hidden Markov Models for Information Extraction"; Settles 2009, "Active
Learning Literature Survey"). With one, it is the share of the votes that go to another label (Northcutt et al. 2021,
"Confident Learning"). Of pictures that would teach the same, one a round is asked about.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding.projection import unit
from trainer.data.split import UNLABELLED

NEIGHBOURS = 15
SHARPNESS = 20.0
"""Of the votes: a neighbour whose cosine is 0.05 lower has a vote of a third of the weight."""
BLOCK = 2_048  # rows compared at once


def most_informative(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], count: int, answered: Collection[int] = ()
) -> NDArray[np.int64]:
    """At most `count` rows to ask about, the most informative first, none of those that were answered.

    `vectors` float32 [n, d], `labels` int64 [n] as they are known, UNLABELLED where there is none.
    """
    worth, suspected = informativeness(vectors, labels)
    worth[list(answered)] = -1
    asked: list[int] = []
    taken: set[tuple[int, int]] = set()
    for row in np.argsort(-worth, kind="stable"):
        kind = (int(labels[row]), int(suspected[row]))
        if worth[row] < 0 or len(asked) == count:
            break
        if kind not in taken:
            taken.add(kind)
            asked.append(int(row))
    return np.array(asked, np.int64)


def informativeness(
    vectors: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How open each picture's label is, float64 [n] within 0..1, and the label that its neighbours suggest, int64 [n].

    A picture without labelled neighbours is wholly open, and UNLABELLED.
    """
    rows = np.flatnonzero(labels != UNLABELLED)
    names, numbers = np.unique(labels[rows], return_inverse=True)
    worth, suggested = np.ones(len(labels)), np.full(len(labels), UNLABELLED)
    if not len(rows):
        return worth, suggested
    directions = unit(vectors)
    nearest_count = min(NEIGHBOURS, len(rows))
    for start in range(0, len(labels), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(labels)))
        cosines = directions[block] @ directions[rows].T
        cosines[block[:, None] == rows] = -np.inf  # nobody votes for itself
        nearest = np.argpartition(-cosines, nearest_count - 1, axis=1)[:, :nearest_count]
        nearness = np.take_along_axis(cosines, nearest, axis=1).astype(np.float64)
        weights = np.exp(SHARPNESS * (nearness - nearness.max(axis=1, keepdims=True)))
        votes = np.zeros((len(block), len(names)))
        np.add.at(votes, (np.arange(len(block))[:, None], numbers[nearest]), weights)
        votes /= votes.sum(axis=1, keepdims=True)
        first_two = -np.sort(-votes, axis=1)[:, :2]
        second = first_two[:, 1] if len(names) > 1 else 0
        suggested[block] = names[votes.argmax(axis=1)]
        own = np.searchsorted(names, np.maximum(labels[block], names[0]))
        of_own = votes[np.arange(len(block)), own]
        worth[block] = np.where(labels[block] == UNLABELLED, 1 - (first_two[:, 0] - second), 1 - of_own)
    return worth, suggested
