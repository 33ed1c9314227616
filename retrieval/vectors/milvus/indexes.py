"""The indexes of Milvus that can be asked for, each with how it is built and how far it looks in a search."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Parameters = Mapping[str, int]

MAX_CLUSTERS = 65_536


@dataclass(frozen=True, slots=True)
class Index:
    """One kind of index."""

    name: str
    """As Milvus calls it."""
    building: Callable[[int], Parameters]
    """Its parameters for a bundle of so many clusters."""
    searching: Callable[[int, int], Parameters]
    """Its parameters for a search for so many rows, in a bundle of so many clusters."""
    certified: bool = False
    """Whether it compares every vector of the opened clusters, so that what was not opened can be ruled out."""


INDEXES = {
    "flat": Index("FLAT", lambda _: {}, lambda _limit, _clusters: {}, certified=True),
    "hnsw": Index("HNSW", lambda _: {"M": 16, "efConstruction": 200}, lambda limit, _: {"ef": max(128, limit)}),
    "ivf_sq8": Index(
        "IVF_SQ8",
        lambda clusters: {"nlist": min(clusters, MAX_CLUSTERS)},
        lambda _, clusters: {"nprobe": min(clusters, 64)},
    ),
    "diskann": Index("DISKANN", lambda _: {}, lambda limit, _: {"search_list": max(100, limit)}),
}
"""By the name in the URL of a place for vectors; see `retrieval/vectors/address.py`."""
