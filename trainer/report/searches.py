"""What the vectors answer: each query among all other pictures, the best and the worst, and confusions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.rankings import TABLE_VALUES, similarities

HITS = 8  # hits that a contact sheet shows
FAR = 10  # hits in which confusions are counted, or as many as there are true matches
MAX_QUERIES = 2000
MAX_PAIRS = 100_000_000  # queries times pictures: about ten seconds of ranking
EXAMPLES = 3  # of each confusion
A_LABEL_IN_A_LIST = 2  # queries of one label that are shown: those of one label tend to go well or wrong alike
SEED = 0


@dataclass(frozen=True, slots=True)
class Search:
    """One query and its first hits, best first; rows of the report's pictures.

    `average_precision` is over the whole ranking, `possible` how many true matches there are.
    """

    row: int
    hits: tuple[int, ...]
    distances: tuple[float, ...]
    average_precision: float
    possible: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two labels of which one is a hit where the other is searched for.

    `wrong` of the `hit_count` first hits of queries of either: ten, or as many as there are true matches, so that no
    query has to be wrong. `examples` are query and hit, nearest first.
    """

    labels: tuple[str, str]
    wrong: int
    hit_count: int
    examples: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Searches:
    """Searches by falling average precision, and confusions, most frequent first.

    `query_count` pictures were searched with, of `possible` ones.
    """

    searches: Sequence[Search]
    confusions: Sequence[Confusion]
    query_count: int
    possible: int

    def best(self, count: int, labels: NDArray[np.object_]) -> list[Search]:
        """The best, a few of each label: of equals, what had most to find."""
        return list(islice(_varied(self.searches, labels), count))

    def worst(self, count: int, labels: NDArray[np.object_]) -> list[Search]:
        """The worst, worst first, a few of each label."""
        wrong = (search for search in reversed(self.searches) if search.average_precision < 1)
        return list(islice(_varied(wrong, labels), count))


def _varied(searches: Iterable[Search], labels: NDArray[np.object_]) -> Iterator[Search]:
    """Those of `searches` that are among the first few of their label, in the same order."""
    counts: Counter[str] = Counter()
    for search in searches:
        label = labels[search.row]
        counts[label] += 1
        if counts[label] <= A_LABEL_IN_A_LIST:
            yield search


def search_all(vectors: NDArray[np.float32], labels: NDArray[np.object_], held_out: NDArray[np.bool_]) -> Searches:
    """Search with every held-out labelled picture among all other pictures, by cosine; with all where none is.

    `vectors` [n, d], `labels` object [n], `held_out` bool [n]. Of very many queries a random sample is taken.
    """
    names, numbers = np.unique([label or "" for label in labels], return_inverse=True)
    unlabelled = np.array([label is None for label in labels], bool)
    numbers[unlabelled] = -1
    sizes = np.bincount(numbers[~unlabelled], minlength=len(names))
    answerable = (held_out if held_out.any() else np.ones(len(held_out), bool)) & ~unlabelled
    answerable[answerable] = sizes[numbers[answerable]] > 1
    rows = np.flatnonzero(answerable)
    max_queries = max(1, min(MAX_QUERIES, MAX_PAIRS // max(1, len(vectors))))
    query_rows = rows
    if len(rows) > max_queries:
        query_rows = np.sort(np.random.default_rng(SEED).choice(rows, max_queries, replace=False))
    searches: list[Search] = []
    tally = _Tally(numbers)
    step = max(1, TABLE_VALUES // max(1, len(vectors)))
    for start in range(0, len(query_rows), step):
        part = query_rows[start : start + step]
        nearness = similarities(vectors[part], vectors, "cosine")
        nearness[np.arange(len(part)), part] = -np.inf
        order = np.argsort(-nearness, axis=1, kind="stable")[:, :-1]  # the query itself is last
        distances = 1 - np.take_along_axis(nearness, order[:, :FAR], axis=1)
        relevant = numbers[order] == numbers[part, None]
        searches += _searches(part, order, distances, relevant)
        tally.count(part, order[:, :FAR], distances, relevant.sum(axis=1))
    searches.sort(key=lambda search: (-search.average_precision, -search.possible, search.row))
    return Searches(searches, tally.confusions([str(name) for name in names]), len(query_rows), len(rows))


def _searches(
    rows: NDArray[np.int64], order: NDArray[np.int64], distances: NDArray[np.float32], relevant: NDArray[np.bool_]
) -> list[Search]:
    """Rankings `order` [q, n-1] of which `relevant` are true matches, as searches."""
    total = relevant.sum(axis=1)
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    average = (precision * relevant).sum(axis=1) / total
    return [
        Search(int(row), tuple(hits.tolist()), tuple(far.tolist()), float(ap), int(possible))
        for row, hits, far, ap, possible in zip(rows, order[:, :HITS], distances[:, :HITS], average, total, strict=True)
    ]


class _Tally:
    """Counts wrong hits by the two labels they are of."""

    def __init__(self, numbers: NDArray[np.int64]) -> None:
        self._numbers = numbers
        self._looked_at: Counter[int] = Counter()
        self._wrong: Counter[tuple[int, int]] = Counter()
        self._examples: dict[tuple[int, int], list[tuple[float, int, int]]] = {}

    def count(
        self,
        rows: NDArray[np.int64],
        hits: NDArray[np.int64],
        distances: NDArray[np.float32],
        possible: NDArray[np.int64],
    ) -> None:
        """Hits [q, k] of queries [q] at these distances, which have `possible` [q] true matches.

        Hits without a label are neither right nor wrong.
        """
        for row, hit_rows, far, limit in zip(rows.tolist(), hits, distances, possible.tolist(), strict=True):
            label = int(self._numbers[row])
            first_hits = hit_rows[:limit].tolist()
            self._looked_at[label] += len(first_hits)
            for hit, distance in zip(first_hits, far[:limit].tolist(), strict=True):
                hit_label = int(self._numbers[hit])
                if hit_label in (label, -1):
                    continue
                pair = (min(label, hit_label), max(label, hit_label))
                self._wrong[pair] += 1
                examples = self._examples.setdefault(pair, [])
                if any(row in example_rows for _distance, *example_rows in examples):
                    continue  # another picture says more than this one again
                examples.append((distance, row, hit))
                examples.sort()
                del examples[EXAMPLES:]

    def confusions(self, names: Sequence[str]) -> list[Confusion]:
        """Most wrong hits first."""
        ranked = sorted(self._wrong.items(), key=lambda entry: (-entry[1], entry[0]))
        return [
            Confusion(
                (names[pair[0]], names[pair[1]]),
                wrong,
                self._looked_at[pair[0]] + self._looked_at[pair[1]],
                tuple((row, hit) for _distance, row, hit in self._examples[pair]),
            )
            for pair, wrong in ranked
        ]
