"""Alpha query expansion, as the API does it, for many queries at once; and how many neighbours are best, if any.

A query is moved towards its nearest neighbours, and searched with once more. That finds more of the same where the
first hits are right, and leads astray where they are not. So the number of neighbours is chosen on held-out pictures:
none, unless mAP rises by more than chance, recall@1 does not fall by more than that, and labels that training has not
seen are found no worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.vectors.blending import expand
from trainer.evaluation.protocols import evaluate_vectors
from trainer.evaluation.rankings import TABLE_VALUES, similarities
from trainer.evaluation.reliability import HeldOutSearch
from trainer.evaluation.results import Interval

NEIGHBOURS = (1, 2, 3, 5, 8)
MIN_QUERIES = 50
"""Held-out queries; fewer tell nothing."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """So many neighbours, and how much mAP rises by them on held-out pictures."""

    neighbours: int
    gain: Interval


def expanded(search: HeldOutSearch, neighbours: int) -> HeldOutSearch:
    """The same search with each query moved towards its nearest neighbours, itself left out."""
    moved = np.empty_like(search.queries)
    count = min(neighbours, len(search.gallery))
    step = max(1, TABLE_VALUES // max(1, len(search.gallery)))
    for start in range(0, len(moved), step):
        part = slice(start, start + step)
        nearness = similarities(search.queries[part], search.gallery, "cosine")
        own = search.same[part].reshape(len(nearness), -1)
        nearness[np.nonzero(own >= 0)[0], own[own >= 0]] = -np.inf
        nearest: NDArray[np.int64] = np.argpartition(-nearness, count - 1, axis=1)[:, :count]
        for row, near in enumerate(nearest, start=start):
            moved[row] = expand(search.queries[row], search.gallery[near])
    return replace(search, queries=moved)


def choose_expansion(known: HeldOutSearch, new: HeldOutSearch | None) -> Chosen | None:
    """How many neighbours raise mAP most on held-out pictures, and do no harm to new labels; None: expand nothing."""
    if len(known.queries) < MIN_QUERIES:
        return None
    allowed = [one for count in NEIGHBOURS if (one := _tried(known, new, count)) is not None]
    return max(allowed, key=lambda one: one.gain.value, default=None)


def _tried(known: HeldOutSearch, new: HeldOutSearch | None, neighbours: int) -> Chosen | None:
    try:
        gain, first = _gains(known, neighbours, ("map", "precision_at_1"))
        (new_gain,) = (None,) if new is None else _gains(new, neighbours, ("map",))
    except ValueError:  # no query has a true match
        return None
    helps = gain is not None and gain.low > 0
    harms = (first is not None and first.high < 0) or (new_gain is not None and new_gain.value < 0)
    return Chosen(neighbours, gain) if gain is not None and helps and not harms else None


def _gains(search: HeldOutSearch, neighbours: int, measures: Sequence[str]) -> list[Interval | None]:
    moved = expanded(search, neighbours)
    plain = {"plain": (search.queries, search.gallery)}
    names = [array.astype(np.str_) for array in (search.query_labels, search.gallery_labels)]
    protocol = evaluate_vectors(
        moved.queries,
        names[0],
        moved.gallery,
        names[1],
        moved.same,
        metric="cosine",
        name="known labels",
        against=plain,
    )
    return [protocol.against["plain"].get(name) for name in measures]
