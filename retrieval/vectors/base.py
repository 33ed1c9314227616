"""What every vector store can do, and what a search answers."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Doubles, Metric, Numbers, Vectors
from retrieval.errors import VectorStoreError
from retrieval.selection import Selection

__all__ = [
    "Hits",
    "Members",
    "Metric",
    "Probes",
    "VectorStore",
    "Vectors",
    "checked_query",
    "checked_vectors",
    "comparable",
    "distances_of",
    "latest_vectors",
    "missing_ids",
]

Probes = int | Literal["auto", "all"]
"""How many clusters a search may open.

`auto`: until the answer is certified, or most likely has 99 % of the true hits (see margins.py); more for k hits.
A number: that many at most, a promise about cost; the answer may hold fewer than k hits (but see `only` in `search`).
`all`: every one.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The answer to one search, best first; ties by id. Both measures are given, whichever one it was ranked by."""

    ids: tuple[str, ...]
    cosine: NDArray[np.float32]
    euclidean: NDArray[np.float32]
    clusters: NDArray[np.int32]
    exact: bool
    """Certified: no vector of the store, opened or not, is a better hit, or one more of those that were wanted."""
    clusters_opened: int
    clusters_total: int
    vectors_read: int
    recall_estimate: float | None = None
    """Which share of the k true hits is likely to be among these: 1 for an exact answer, None where it is not known."""

    def __post_init__(self) -> None:
        if not self.cosine.shape == self.euclidean.shape == self.clusters.shape == (len(self.ids),):
            raise ValueError(
                f"{len(self.ids)} hits need as many cosines, distances and clusters; "
                f"found {self.cosine.shape}, {self.euclidean.shape} and {self.clusters.shape}"
            )
        if not 0 <= self.clusters_opened <= self.clusters_total:
            raise ValueError(f"{self.clusters_opened} clusters opened of {self.clusters_total}")
        if self.vectors_read < len(self.ids):
            raise ValueError(f"{len(self.ids)} hits out of {self.vectors_read} vectors read")

    def __len__(self) -> int:
        return len(self.ids)

    def distances(self, metric: Metric) -> Doubles:
        """The hits' distances [n] as the metric has them: 1 - cosine, or the Euclidean distance."""
        return distances_of(self.cosine, self.euclidean, metric)


@dataclass(frozen=True, slots=True)
class Note:
    """That a store has the vectors of a catalogue's items, and no others: see `retrieval/agreement.py`."""

    catalogue: str
    version: int
    without: tuple[str, ...]
    """The ids of items that have none."""


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Ids, and each one's vector float32 [n, d] and cluster int64 [n]."""

    ids: tuple[str, ...]
    vectors: Vectors
    clusters: Numbers


def distances_of(cosine: Vectors, euclidean: Vectors, metric: Metric) -> Doubles:
    """What the metric calls near, of the two measures [n]: 1 - cosine, or the Euclidean distance, float64 [n]."""
    return 1 - cosine.astype(np.float64) if metric == "cosine" else euclidean.astype(np.float64)


def comparable(vectors: Vectors) -> bool:
    """Whether all numbers are finite, and small enough for their squared distances to stay finite in float32."""
    least, most = vectors.min(initial=0), vectors.max(initial=0)
    return bool(least > -1e15 and most < 1e15)  # false for NaN, too


def checked_vectors(vectors: Vectors, dims: int, *, rows: int) -> Vectors:
    """The vectors as float32 [rows, dims], contiguous as FAISS reads them; VectorStoreError if they are not that."""
    if vectors.shape != (rows, dims):
        raise VectorStoreError(f"vectors of the shape {(rows, dims)} are wanted; found {vectors.shape}")
    fitting = np.ascontiguousarray(vectors, np.float32)
    if not comparable(fitting):
        raise VectorStoreError("a vector holds a number that is not finite, or too large to be compared")
    return fitting


def checked_query(query: Vectors, dims: int, k: int, probes: Probes) -> Vectors:
    """The query of a search as float32 [dims]. Raises what `VectorStore.search` raises for what does not fit."""
    if k < 1 or (isinstance(probes, int) and probes < 1):
        raise ValueError(f"a search needs k and probes of at least 1; found k={k}, probes={probes}")
    checked: Vectors = checked_vectors(query[None], dims, rows=1)[0]
    return checked


def latest_vectors(
    ids: Sequence[str], vectors: Vectors, digests: Sequence[str | None] | None, dims: int
) -> tuple[Sequence[str], Vectors, Sequence[str | None] | None]:
    """What is to be written, checked, with each id once: as it is given for the last time.

    Raises VectorStoreError for vectors that are not [n, dims] of n ids.
    """
    vectors = checked_vectors(vectors, dims, rows=len(ids))
    rows = list({item: row for row, item in enumerate(ids)}.values())
    if len(rows) == len(ids):
        return ids, vectors, digests
    return [ids[row] for row in rows], vectors[rows], digests and [digests[row] for row in rows]


def missing_ids(present: Mapping[str, str | None], digests: Mapping[str, str]) -> list[str]:
    """The ids of `digests` that have no vector, or a vector of another file.

    `present` maps each id that has a vector to the SHA-256 of the file it was made of; None where that is not known,
    and then the vector counts as right. `digests` maps the items' ids to the SHA-256 of their files.
    """
    return [id_ for id_, digest in digests.items() if id_ not in present or present[id_] not in (None, digest)]


class VectorStore(Protocol):
    """The vectors of one bundle. Safe to use from many threads: a search sees all of a change or nothing of it."""

    def search(
        self,
        query: Vectors,
        *,
        k: int,
        metric: Metric,
        probes: Probes = "auto",
        exclude: Collection[str] = (),
        only: Selection | Collection[str] | None = None,
        within: float = math.inf,
    ) -> Hits:
        """The k nearest vectors to a query float32 [d] whose `Hits.distances` are at most `within`.

        The ids in `exclude` are left out, and with `only`, all but these items: then clusters are opened, more than
        `probes` if it must be, until k are found or every cluster is open. A cluster that lies beyond `within` as a
        whole need not be opened.
        Raises VectorStoreError for a query that does not fit, ValueError for k or probes below 1.
        """

    def upsert(self, ids: Sequence[str], vectors: Vectors, digests: Sequence[str | None] | None = None) -> None:
        """Adds vectors float32 [n, d], or replaces those of ids that are here. Durable when it returns.

        `digests`: the SHA-256 of the files that they were made of, for `held`.
        Raises VectorStoreError for vectors that do not fit, and StorageError where they cannot be written; then nothing
        has changed.
        """

    def delete(self, ids: Collection[str]) -> None:
        """Removes vectors, durably; ids that are not here are passed over. Raises StorageError as `upsert` does."""

    def get(self, item_id: str) -> Vectors:
        """One vector float32 [d]. Raises VectorMissing if there is none of that id."""

    def get_many(self, ids: Sequence[str]) -> Members:
        """The vectors of those of these ids that are here, in no particular order."""

    def members(self, cluster: int) -> Members:
        """The vectors in a cluster, in no particular order."""

    def sample(self, limit: int) -> Members:
        """At most so many vectors: always the same ones of the same ids, and most of them while others come and go."""

    def cluster_stamps(self) -> Numbers:
        """Of each cluster a number that is another one after vectors have come or gone: int64 [C]."""

    def ids(self) -> tuple[str, ...]:
        """Every id that has a vector."""

    def held(self) -> dict[str, str | None]:
        """Every id that has a vector, with the SHA-256 of the file it was made of; None where that is not known."""

    def learn(self, selection: Selection) -> None:
        """Find the items of a selection ahead of the first search among them."""

    def note(self) -> Note | None:
        """What `keep_note` kept, until a vector has come or gone."""

    def keep_note(self, note: Note) -> None:
        """Remember, durably, until a vector comes or goes. Raises StorageError."""

    def changed_elsewhere(self) -> bool:
        """Whether another process or store object may have written, since this was last asked, what searches lack."""

    def __len__(self) -> int:
        """How many vectors there are."""

    def close(self) -> None:
        """Lets go of the files; nothing else may be called afterwards."""
