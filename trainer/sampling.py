"""Batches for metric learning: P labels, K pictures of each, so that every anchor meets positives and negatives."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def pk_batches(labels: NDArray[np.int64], p: int, k: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """One epoch of batches: row numbers [p * k] each, every label in turn, its pictures without repeats where it has k.

    Labels are drawn in proportion to nothing but their existence: a rare label trains as much as a common one.
    The last batch may hold fewer labels, but at least two: a label that would be alone there meets one that has had
    its turn. A label with a single picture forms no pair: it is left out.
    """
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    members = [rows for rows in members if len(rows) > 1]
    if len(members) < 2:  # a single label has no negatives
        return
    rounds = max(1, round(sum(len(rows) for rows in members) / (k * len(members))))
    for _round in range(rounds):
        order = rng.permutation(len(members))
        for start in range(0, len(order), p):
            chosen = order[min(start, len(order) - 2) : start + p]
            yield np.concatenate([rng.choice(members[i], k, replace=len(members[i]) < k) for i in chosen])
