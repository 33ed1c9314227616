"""The vector stores of an artifacts folder, one for each bundle; what the methods promise stands in stores.py.

artifacts/vectors/<bundle id>.sqlite    the engine's file (rows.py); SQLite's logs lie beside it
artifacts/vectors/<bundle id>.<n>.safetensors    the block of vectors that the file's changes refer to (block.py)
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from retrieval.clusters import Clusters, Vectors
from retrieval.durable import is_database_open
from retrieval.errors import VectorStoreError
from retrieval.vectors.base import VectorStore
from retrieval.vectors.codes import Kind
from retrieval.vectors.embedded import block, generations
from retrieval.vectors.embedded.rows import BUSY_SECONDS, Shape, VectorFile
from retrieval.vectors.embedded.store import EmbeddedStore
from retrieval.vectors.margins import Margins

LOGS = ("-wal", "-shm")  # what SQLite appends to the name of a file for its logs


@dataclass(frozen=True, slots=True)
class EmbeddedStores:
    """The vector stores of an artifacts folder, one for each bundle."""

    artifacts: Path

    def exists(self, bundle_id: str) -> bool:
        return self._path(bundle_id).is_file()

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
        path = self._path(bundle_id)
        EmbeddedStore.create(path, clusters, bundle=bundle_id, ids=ids, vectors=vectors, digests=digests, codes=codes)

    def open(
        self,
        bundle_id: str,
        clusters: Clusters,
        *,
        auto_probes: int | None = None,
        margins: Margins | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> VectorStore:
        return EmbeddedStore.open(
            self._path(bundle_id),
            clusters,
            bundle=bundle_id,
            auto_probes=auto_probes,
            margins=margins,
            busy_seconds=busy_seconds,
        )

    def held(self, bundle_id: str, clusters: Clusters) -> dict[str, str | None]:
        with closing(VectorFile(self._path(bundle_id), Shape(bundle_id, clusters.dims, len(clusters)))) as file:
            return generations.held(file, clusters)

    def copy(self, bundle_id: str, target: "EmbeddedStores") -> None:
        """Copy a store, which others may be writing to, into another artifacts folder: as it is at one moment.

        Raises VectorStoreError.
        """
        path, copy = self._path(bundle_id), target._path(bundle_id)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            generations.copy(path, copy)
        except (OSError, sqlite3.Error) as error:
            raise VectorStoreError(f"the vector store {path} cannot be copied: {error}") from error

    def is_open(self, bundle_id: str) -> bool:
        try:
            return is_database_open(self._path(bundle_id))
        except sqlite3.Error as error:
            raise VectorStoreError(f"the vector store {self._path(bundle_id)} cannot be opened: {error}") from error

    def delete(self, bundle_id: str) -> None:
        for path in self._files(bundle_id):
            path.unlink(missing_ok=True)
        generations.remove_blocks(self._path(bundle_id))

    def verify(self, bundle_id: str) -> None:
        """Compare the vectors on disk with their checksum. Raises VectorStoreError if they have changed."""
        for path in generations.block_paths(self._path(bundle_id)):
            block.verify(path)

    def size_bytes(self, bundle_id: str) -> int:
        files = [*self._files(bundle_id), *generations.block_paths(self._path(bundle_id))]
        return sum(path.stat().st_size for path in files if path.is_file())

    def _path(self, bundle_id: str) -> Path:
        return self.artifacts / "vectors" / f"{bundle_id}.sqlite"

    def _files(self, bundle_id: str) -> list[Path]:
        path = self._path(bundle_id)
        return [path, *(path.with_name(path.name + end) for end in LOGS)]
