"""The slow, obvious oracle of the vector stores' tests."""

import numpy as np
import pytest

from retrieval.clusters import Vectors
from retrieval.vectors.base import Hits, Metric


def measures(query: Vectors, vector: Vectors) -> dict[str, float]:
    """Both measures, in float64."""
    point, member = query.astype(np.float64), vector.astype(np.float64)
    lengths = np.linalg.norm(point) * np.linalg.norm(member)
    cosine = point @ member / lengths if lengths > 0 else 0.0
    return {"cosine": float(cosine), "euclidean": float(np.linalg.norm(point - member))}


def check(hits: Hits, query: Vectors, vectors: dict[str, Vectors], k: int, metric: Metric) -> None:
    """Every hit is what it says; if the answer says exact, there are no better ones (ties may stand in)."""
    everything = {item: measures(query, vector) for item, vector in vectors.items()}
    assert len(set(hits.ids)) == len(hits) <= k
    for row, item in enumerate(hits.ids):
        assert hits.cosine[row] == pytest.approx(everything[item]["cosine"], rel=1e-5, abs=1e-6)
        assert hits.euclidean[row] == pytest.approx(everything[item]["euclidean"], rel=1e-5)
    sign = -1 if metric == "cosine" else 1
    ranked = (sign * (hits.cosine if metric == "cosine" else hits.euclidean)).tolist()
    assert list(zip(ranked, hits.ids, strict=True)) == sorted(zip(ranked, hits.ids, strict=True))
    if hits.exact:
        best = sorted(sign * measured[metric] for measured in everything.values())[:k]
        np.testing.assert_allclose(ranked, best, rtol=1e-5, atol=1e-6 if metric == "cosine" else 0)
