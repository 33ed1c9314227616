"""Where the vectors of each bundle are. The one place that knows which engine keeps them: see `VectorStore`."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from retrieval.clusters import Clusters, Vectors
from retrieval.errors import VectorStoreError
from retrieval.vectors.address import VectorsAddress, read_address
from retrieval.vectors.base import VectorStore
from retrieval.vectors.codes import Kind
from retrieval.vectors.embedded.stores import EmbeddedStores
from retrieval.vectors.margins import Margins

__all__ = ["EmbeddedStores", "VectorStores", "vector_stores"]


class VectorStores(Protocol):
    """The vector stores of one place, one for each bundle."""

    def exists(self, bundle_id: str) -> bool:
        """Whether the bundle has a store, so that it can be served."""

    def create(
        self,
        bundle_id: str,
        clusters: Clusters,
        *,
        ids: Sequence[str],
        vectors: Vectors,
        digests: Sequence[str | None] | None = None,
        codes: Kind = "none",
    ) -> None:
        """Write a new store with the vectors float32 [n, d] of n ids, durably: all of it or nothing.

        Of an id that occurs twice, the last one counts. `digests`: the SHA-256 of the files that the vectors were made
        of. `codes`: "int8" for searches in a quarter of the memory (see codes.py). Raises VectorStoreError if the
        vectors do not fit the clusters or the store exists, and StorageError if it cannot be written.
        """

    def open(
        self,
        bundle_id: str,
        clusters: Clusters,
        *,
        auto_probes: int | None = None,
        margins: Margins | None = None,
        busy_seconds: float = 5.0,
    ) -> VectorStore:
        """Open the store of a bundle for searches and changes.

        `margins` say how many clusters a search with `probes="auto"` opens in a large store; without them it is
        `auto_probes` at most, and no recall is estimated. `busy_seconds`: how long a change waits for another
        process's before it is given up (StorageBusy). Raises VectorStoreError if there is no store, or it is damaged,
        or of another bundle.
        """

    def held(self, bundle_id: str, clusters: Clusters) -> dict[str, str | None]:
        """What `VectorStore.held` says, without loading the vectors. Raises VectorStoreError as `open` does."""

    def is_open(self, bundle_id: str) -> bool:
        """Whether another process has the store's files open. Raises VectorStoreError where they cannot be opened."""

    def delete(self, bundle_id: str) -> None:
        """Remove a store that nobody has open, if there is one."""

    def verify(self, bundle_id: str) -> None:
        """Look for vectors that have changed or got lost on their own. Raises VectorStoreError if there are any."""

    def size_bytes(self, bundle_id: str) -> int:
        """How much room a store takes on disk."""


def vector_stores(artifacts: Path, url: str | None = None, catalogue_url: str | None = None) -> VectorStores:
    """The vector stores that belong to an artifacts folder: in its files, in a database, or in Milvus.

    `url`: None for the files, or what `retrieval/vectors/address.py` reads. `catalogue_url`: of the database of the
    items, in which Milvus has its ledger. Raises VectorStoreError for another address, and where what the engine needs
    is not installed.
    """
    if url is None:
        return EmbeddedStores(artifacts)
    try:
        address = read_address(url)
    except ValueError as error:
        raise VectorStoreError(f"vectors cannot be kept at that URL: {error}") from error
    if address.engine == "milvus":
        return _milvus_stores(address, catalogue_url)
    try:
        from retrieval.vectors.pgvector.stores import PgvectorStores
    except ModuleNotFoundError as error:
        raise VectorStoreError(f"{error}: install lookalike[postgresql]") from error
    return PgvectorStores(address.url, address.index)


def _milvus_stores(address: VectorsAddress, catalogue_url: str | None) -> VectorStores:
    if catalogue_url is None or not catalogue_url.startswith("postgresql"):
        raise VectorStoreError(
            "vectors in Milvus need items in PostgreSQL, which keeps the ledger of them: set LOOKALIKE_CATALOGUE_URL"
        )
    try:
        from retrieval.vectors.milvus.stores import MilvusStores
    except ModuleNotFoundError as error:
        raise VectorStoreError(f"{error}: install lookalike[milvus]") from error
    return MilvusStores(address, catalogue_url)


def copy_store(
    bundle_id: str, read_clusters: Callable[[], Clusters], source: VectorStores, target: VectorStores
) -> None:
    """Copy a bundle's vectors into another place, as they are at one moment.

    `read_clusters` gives the bundle's; it is called where the two places have different engines. What the target has of
    the bundle is replaced once the source has been read. Raises VectorStoreError, StorageError, and what that raises.
    """
    if isinstance(source, EmbeddedStores) and isinstance(target, EmbeddedStores):
        source.copy(bundle_id, target)
        return
    clusters = read_clusters()
    with closing(source.open(bundle_id, clusters)) as store:
        digest_by_id = store.held()
        members = store.get_many(list(digest_by_id))
    digests = [digest_by_id[name] for name in members.ids]
    target.delete(bundle_id)
    target.create(bundle_id, clusters, ids=members.ids, vectors=members.vectors, digests=digests)
