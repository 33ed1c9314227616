"""Scenes to search in, for the tests of vector stores."""

from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st
from pyroaring import BitMap64

from retrieval.clusters import Clusters, Vectors
from retrieval.filters import EVERYTHING
from retrieval.selection import Selection

Scene = tuple[Clusters, Vectors, Vectors]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Clusters, vectors and a query.

    Whole numbers (ties, zeros), clustered, near-duplicates, of any length, or alone in their clusters (tight bounds).
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dims, cells, size = draw(st.integers(1, 20)), draw(st.integers(1, 30)), draw(st.integers(0, 80))
    kind = draw(st.sampled_from(["whole", "clustered", "near", "lengths", "alone"]))
    centroids = rng.standard_normal((cells, dims))
    vectors = centroids[rng.integers(cells, size=size)]
    if kind == "whole":
        vectors = rng.integers(-1, 2, (size, dims)).astype(float)
    elif kind == "clustered":
        vectors = vectors + 0.2 * rng.standard_normal((size, dims))
    elif kind == "near":
        vectors = vectors + 1e-7 * rng.standard_normal((size, dims))
    elif kind == "alone":
        vectors = centroids[:size]
    else:
        vectors = vectors * rng.lognormal(0, 2, (size, 1)) + 0.1 * rng.standard_normal((size, dims))
    pool = np.concatenate([vectors, centroids, np.zeros((1, dims)), rng.standard_normal((2, dims))])
    scale = draw(st.sampled_from([1.0, 1e-3, 1e6]))
    cells32, vectors32, pool32 = ((scale * rows).astype(np.float32) for rows in (centroids, vectors, pool))
    return Clusters(cells32), vectors32, pool32[draw(st.integers(0, len(pool) - 1))]


def named(vectors: Vectors) -> dict[str, Vectors]:
    return {str(row): vector for row, vector in enumerate(vectors)}


def selection_of(ids: Iterable[str]) -> Selection:
    """A selection of a catalogue in which item i has the number i."""
    return Selection(
        EVERYTHING,
        BitMap64(map(int, ids)),
        lambda numbers: {number: str(number) for number in numbers},
        lambda names: {name: int(name) for name in names},
    )
