"""The measures of a ranking, one line each. To add one, add a line here and its formula to the oracle of the tests.

Definitions after Musgrave, Belongie & Lim 2020, "A Metric Learning Reality Check" (https://arxiv.org/abs/2003.08505).
Each is computed for every query that has a true match at all; over queries it is the mean.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.rankings import TrueMatches

Column = NDArray[np.float64]

CUTS = (1, 5, 10)
"""How many hits are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class RankedQueries:
    """n queries that have a true match, and what their rankings hold.

    `distances` float64 [n, k] are those of the first k hits; `hits` bool [n, k] says which of these are true matches,
    `misses` bool [n, k] which are other pictures.
    """

    matches: TrueMatches
    distances: NDArray[np.float64]
    hits: NDArray[np.bool_]
    misses: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a query. `compute` gives its value for each of n queries, float64 [n]; NaN where it has none.

    In `formula`, r_i is 1 where the i-th picture of the ranking has the query's label and else 0; R is how many such
    pictures there are, the query itself and its copies left out. `comparable`: it means the same for every model.
    """

    title: str
    formula: str
    compute: Callable[[RankedQueries], Column]
    better: Literal["more", "less"] = "more"
    comparable: bool = True


def _within(ranked: RankedQueries, k: int) -> Column:
    """How many of the first k hits are true matches."""
    return ranked.matches.sums(ranked.matches.rank <= k)


def _precision(k: int, ranked: RankedQueries) -> Column:
    return _within(ranked, k) / k


def _recall(k: int, ranked: RankedQueries) -> Column:
    return _within(ranked, k) / ranked.matches.total


def _f1(k: int, ranked: RankedQueries) -> Column:
    # With P = found / k and R = found / total, 2 P R / (P + R) = 2 found / (k + total).
    return 2 * _within(ranked, k) / (k + ranked.matches.total)


def _hit_rate(k: int, ranked: RankedQueries) -> Column:
    return (_within(ranked, k) > 0).astype(np.float64)


def _average_precision(ranked: RankedQueries) -> Column:
    return ranked.matches.sums(ranked.matches.precision) / ranked.matches.total


def _average_precision_at_r(ranked: RankedQueries) -> Column:
    at = ranked.matches
    return at.sums(at.precision * (at.rank <= at.total[at.query])) / at.total


def _r_precision(ranked: RankedQueries) -> Column:
    at = ranked.matches
    return at.sums(at.rank <= at.total[at.query]) / at.total


def _reciprocal_rank(ranked: RankedQueries) -> Column:
    return 1 / ranked.matches.rank[ranked.matches.first]


def _hit_distance(ranked: RankedQueries) -> Column:
    return _mean_where(ranked.distances, ranked.hits)


def _miss_distance(ranked: RankedQueries) -> Column:
    return _mean_where(ranked.distances, ranked.misses)


def _mean_where(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> Column:
    """The mean [n] of the masked values of each row [n, k]; NaN where the mask is empty."""
    count = mask.sum(axis=1)
    means = np.full(len(values), np.nan)
    np.divide((values * mask).sum(axis=1), count, out=means, where=count > 0)
    return means


def _at_cuts(
    name: str, title: str, formula: str, compute: Callable[[int, RankedQueries], Column]
) -> dict[str, Measure]:
    """One measure for each of CUTS; the letter k of the formula is the number of hits."""
    return {f"{name}@{k}": Measure(f"{title}@{k}", formula.replace("k", str(k)), partial(compute, k)) for k in CUTS}


MEASURES: Mapping[str, Measure] = {
    **_at_cuts("precision", "P", "(r_1 + ... + r_k) / k", _precision),
    **_at_cuts("hit_rate", "hit rate", "1 if any of r_1 ... r_k is 1, else 0", _hit_rate),
    **_at_cuts("recall", "R", "(r_1 + ... + r_k) / R", _recall),
    **_at_cuts("f1", "F1", "2 p q / (p + q) with p = precision@k and q = recall@k; 0 where both are 0", _f1),
    "map": Measure("mAP", "sum over all ranks i of r_i (r_1 + ... + r_i) / i, divided by R", _average_precision),
    "map@r": Measure(
        "MAP@R", "sum over ranks i <= R of r_i (r_1 + ... + r_i) / i, divided by R", _average_precision_at_r
    ),
    "r_precision": Measure("R-precision", "(r_1 + ... + r_R) / R", _r_precision),
    "mrr": Measure("MRR", "1 / the first i with r_i = 1", _reciprocal_rank),
    **_at_cuts(
        "accuracy",
        "top",
        "top-k accuracy: whether the right label is among the first k hits, which is hit_rate@k",
        _hit_rate,
    ),
    "distance_hits": Measure(
        "distance hits",
        "mean distance to the true matches among the first 10; of the queries that have one there",
        _hit_distance,
        better="less",
        comparable=False,
    ),
    "distance_misses": Measure(
        "distance misses",
        "mean distance to all others among the first 10; of the queries that have one there",
        _miss_distance,
        comparable=False,
    ),
}

NAMES = tuple(MEASURES)
FORMULAS: Mapping[str, str] = {name: measure.formula for name, measure in MEASURES.items()}
HEADLINE = ("map", "map@r", "precision@1", "precision@10", "recall@10", "mrr")
"""Those that a report shows first."""
