"""Which rows are used at a time: batches for metric learning, and samples of long lists."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")
Scalar = TypeVar("Scalar", bound=np.generic)


@overload
def sample_evenly(values: NDArray[Scalar], limit: int) -> NDArray[Scalar]: ...
@overload
def sample_evenly(values: Sequence[Value], limit: int) -> Sequence[Value]: ...
def sample_evenly(values: Any, limit: int) -> Any:
    """Every n-th of the values, from the first on, with the smallest n that gives at most `limit` (1 or more)."""
    return values[:: max(1, -(-len(values) // limit))]


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
            batch = order[min(start, len(order) - 2) : start + p]
            yield np.concatenate([rng.choice(members[i], k, replace=len(members[i]) < k) for i in batch])


def view_batches(count: int, pictures_per_batch: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """One epoch without labels: every row of `count` once, in random order, `pictures_per_batch` (two or more) a batch.

    The views of a picture are its positives, the other pictures its negatives. So a row that would be alone in the last
    batch joins the batch before, and a single picture makes none.
    """
    order = rng.permutation(count)
    ends = [*range(pictures_per_batch, count - 1, pictures_per_batch), count]
    if count > 1:
        yield from np.split(order, ends[:-1])
