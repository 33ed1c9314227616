"""Cosine and Euclidean distance together: reciprocal rank fusion of the two rankings.

Cormack, Clarke and Buettcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods":
a hit scores 1 / (60 + rank) in each ranking, and the sum ranks. The paper fuses lists of a fixed depth. Here both lists
are deepened until no vector beyond them, nor one found in only one of them, can score as much as the k-th hit (the
threshold algorithm of Fagin, Lotem and Naor 2003); so a certified answer is that of the whole rankings.
"""

from collections.abc import Collection

import numpy as np

from retrieval.clusters import Doubles, Vectors
from retrieval.selection import Selection
from retrieval.vectors.base import Hits, Probes, VectorStore

RANK_OFFSET = 60
"""The constant of the paper."""
DEEPEST = 2000
"""Hits of each ranking that are looked at for a certified answer, or four times k if that is more; then it is not."""


def search_fused(
    store: VectorStore,
    query: Vectors,
    *,
    k: int,
    probes: Probes = "auto",
    exclude: Collection[str] = (),
    only: Selection | Collection[str] | None = None,
) -> tuple[Hits, Doubles]:
    """The k hits of the highest sum of reciprocal ranks, ties by id, and these sums float64 [n].

    Takes and raises what `VectorStore.search` does. A vector that one ranking does not reach scores nothing in it.
    """
    depth = 2 * k + RANK_OFFSET
    while True:
        near = store.search(query, k=depth, metric="cosine", probes=probes, exclude=exclude, only=only)
        close = store.search(query, k=depth, metric="euclidean", probes=probes, exclude=exclude, only=only)
        scores, limits = _scores(near, close, depth)
        best = sorted(scores, key=lambda item: (-scores[item], item))[:k]
        everything = len(near) < depth and len(close) < depth
        # A stranger to both lists comes after the last of each; an acquaintance of one, at best next in the other.
        best_ids = set(best)
        rival = max((limit for item, limit in limits.items() if item not in best_ids), default=0.0)
        settled = len(best) == k and scores[best[-1]] > max(rival, 2 / (RANK_OFFSET + depth + 1))
        settled = settled and all(limits[item] == scores[item] for item in best)
        if everything or settled or depth >= max(DEEPEST, 4 * k):
            certified = (everything or settled) and near.exact and close.exact
            return _merged(near, close, best, certified=certified), np.array([scores[item] for item in best])
        depth *= 2


def _scores(near: Hits, close: Hits, depth: int) -> tuple[dict[str, float], dict[str, float]]:
    """What each id scores by its ranks, and what it can at most score by those that are not known."""
    parts = [{item: 1 / (RANK_OFFSET + rank) for rank, item in enumerate(hits.ids, start=1)} for hits in (near, close)]
    unknown = [1 / (RANK_OFFSET + depth + 1) if len(hits) == depth else 0.0 for hits in (near, close)]
    ids = parts[0].keys() | parts[1].keys()
    scores = {item: sum(part.get(item, 0.0) for part in parts) for item in ids}
    limits = {item: sum(part.get(item, most) for part, most in zip(parts, unknown, strict=True)) for item in ids}
    return scores, limits


def _merged(near: Hits, close: Hits, ids: list[str], *, certified: bool) -> Hits:
    """The hits of these ids, each from a list that has it."""
    rows = {item: (hits, row) for hits in (near, close) for row, item in enumerate(hits.ids)}
    sources = [rows[item] for item in ids]
    return Hits(
        ids=tuple(ids),
        cosine=np.array([hits.cosine[row] for hits, row in sources], np.float32),
        euclidean=np.array([hits.euclidean[row] for hits, row in sources], np.float32),
        clusters=np.array([hits.clusters[row] for hits, row in sources], np.int32),
        exact=certified,
        clusters_opened=max(near.clusters_opened, close.clusters_opened),
        clusters_total=near.clusters_total,
        vectors_read=near.vectors_read + close.vectors_read,
        recall_estimate=1.0 if certified else _estimate(near, close),
    )


def _estimate(near: Hits, close: Hits) -> float | None:
    """The lower one of both rankings."""
    estimates = [hits.recall_estimate for hits in (near, close) if hits.recall_estimate is not None]
    return min(estimates) if len(estimates) == 2 else None
