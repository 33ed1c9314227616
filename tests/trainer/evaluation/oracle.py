"""What the tests of the measures share: scenes full of ties, and each ranking found the slow, obvious way."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.clusters import Metric

METRICS: tuple[Metric, ...] = ("cosine", "euclidean")

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]
Scene = tuple[Vectors, Labels, Vectors, Labels, Labels]


def ranking(query: Vectors, gallery: Vectors, metric: Metric, own: int) -> list[int]:
    """Gallery rows, nearest first, earlier rows first between equals, without the query itself."""

    def distance(vector: Vectors) -> float:
        if metric == "euclidean":
            return float(((query - vector) ** 2).sum())
        lengths = float(np.linalg.norm(query) * np.linalg.norm(vector))
        return -float(query @ vector) / lengths if lengths else 0.0

    return sorted((row for row in range(len(gallery)) if row != own), key=lambda row: distance(gallery[row]))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Queries and gallery full of ties, and for some queries the gallery row that is the query itself.

    Whole numbers, of which each vector has one or four equal ones: every length and distance is exact in float32.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dims, kinds = 4, draw(st.integers(1, 4))

    def vectors(count: int) -> Vectors:
        few = np.eye(dims)[rng.integers(dims, size=count)]
        all_ = np.ones((count, dims))
        signs = rng.choice([-1, 1], (count, dims)) * rng.choice([1, 2, 4], (count, 1))
        return (np.where(rng.random((count, 1)) < 0.5, few, all_) * signs).astype(np.float32)

    gallery = vectors(draw(st.integers(1, 40)))
    queries = vectors(draw(st.integers(1, 12)))
    known, query_labels = rng.integers(kinds, size=len(gallery)), rng.integers(kinds + 1, size=len(queries))
    same = np.full(len(queries), -1)
    for row in np.flatnonzero(rng.random(len(queries)) < draw(st.sampled_from([0.0, 0.5, 1.0]))):
        same[row] = rng.integers(len(gallery))
        queries[row], query_labels[row] = gallery[same[row]], known[same[row]]
    return queries, query_labels, gallery, known, same


def every_measure(relevant: list[bool], distances: list[float]) -> dict[str, float]:
    """All of MEASURES for one ranking, term by term as they are written there; NaN where there is no such hit."""
    r = dict(enumerate(map(int, relevant), start=1))
    total = sum(r.values())

    def precision(i: int) -> float:
        return sum(r.get(j, 0) for j in range(1, i + 1)) / i

    result = {
        "map": sum(r[i] * precision(i) for i in r) / total,
        "map@r": sum(r[i] * precision(i) for i in r if i <= total) / total,
        "r_precision": precision(total),
        "mrr": 1 / min(i for i in r if r[i]),
    }
    for k in (1, 5, 10):
        p, q = precision(k), precision(k) * k / total
        result |= {f"precision@{k}": p, f"recall@{k}": q, f"f1@{k}": 2 * p * q / (p + q) if p + q else 0.0}
        result |= {f"hit_rate@{k}": float(p > 0), f"accuracy@{k}": float(p > 0)}
    for name, wanted in (("distance_hits", True), ("distance_misses", False)):
        among = [d for d, hit in zip(distances[:10], relevant, strict=False) if hit == wanted]
        result[name] = sum(among) / len(among) if among else np.nan
    return result
