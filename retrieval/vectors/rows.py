"""The vectors on disk: one SQLite file a bundle. SQLite makes them durable; searches never touch it.

    meta     name, value                format, bundle, dims, clusters
    vectors  key, id, cluster, vector   vector = d float32, little-endian
    contents id, sha256                 of which file a vector was made, where that is known

The cluster of each vector is kept so that opening a million of them needs no comparison with thousands of centroids.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from retrieval.clusters import Numbers, Vectors
from retrieval.durable import sqlite_storage_error, storage_error, write_atomically
from retrieval.errors import VectorStoreError
from retrieval.vectors.base import comparable

FORMAT = 1
CONTENTS = "CREATE TABLE IF NOT EXISTS contents (id TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;"
SCHEMA = f"""
{CONTENTS}
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE vectors (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, cluster INTEGER NOT NULL, vector BLOB NOT NULL
);
"""
BATCH = 1 << 16
"""Vectors held at once while reading: 32 MB at 128 dims."""
BUSY_SECONDS = 5.0  # how long a change waits for another process's, unless a caller sets another time
LITTLE_ENDIAN = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file must have been written for."""

    bundle: str
    dims: int
    clusters: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """n vectors [n, d] with their keys [n], ids and clusters [n]."""

    keys: Numbers
    ids: Sequence[str]
    clusters: Numbers
    vectors: Vectors

    def rows(self) -> Iterator[tuple[int, str, int, bytes]]:
        """As SQLite takes them."""
        blobs = (vector.tobytes() for vector in self.vectors.astype(LITTLE_ENDIAN, copy=False))
        return zip(self.keys.tolist(), self.ids, self.clusters.tolist(), blobs, strict=True)


class VectorFile:
    """One open file. Writers take turns outside; `read` is for opening time."""

    def __init__(self, path: Path, shape: Shape, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """Raises VectorStoreError if there is no such file, or it is not a vector file of this shape."""
        if not path.is_file():
            raise VectorStoreError(f"there is no vector store at {path}; create it from the bundle's vectors first")
        self._path = path
        self._shape = shape
        with _explained(path):
            self._database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw", timeout=busy_seconds, uri=True, check_same_thread=False
            )
            try:
                self._check_meta()
                self._check_size()
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.execute(CONTENTS)  # files of earlier versions have none
                self._version = self._data_version()
            except BaseException:
                self._database.close()
                raise

    @classmethod
    def create(cls, path: Path, shape: Shape, batch: Batch, digests: Sequence[str] | None = None) -> None:
        """Writes a whole new file under a temporary name, makes it durable, and renames it to `path`.

        `digests`: the SHA-256 of the files that the vectors were made of, where they are known.
        Raises VectorStoreError if `path` exists, and StorageError if it cannot be written.
        """
        if path.exists():
            raise VectorStoreError(f"there is a vector store at {path} already; delete it to build it anew")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A log left behind by a deleted file of this name would be replayed into the new one.
            for end in ("-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            with (
                write_atomically(path) as draft,
                _explained(path, writing=True),
                closing(sqlite3.connect(draft)) as database,
            ):
                database.execute("PRAGMA journal_mode = OFF")  # an unfinished draft is thrown away, not rolled back
                database.execute("PRAGMA synchronous = OFF")  # made durable as a whole when it is closed
                database.executescript(SCHEMA)
                with database:
                    database.executemany("INSERT INTO meta VALUES (?, ?)", _meta(shape).items())
                    database.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?)", batch.rows())
                    if digests is not None:
                        database.executemany("INSERT INTO contents VALUES (?, ?)", zip(batch.ids, digests, strict=True))
        except OSError as error:
            raise storage_error(error, f"the vector store {path}") from error

    def read(self) -> Iterator[Batch]:
        """All vectors, batch by batch. Raises VectorStoreError for a row that does not fit the file's shape."""
        with _explained(self._path), closing(self._database.cursor()) as cursor:
            cursor.execute("SELECT key, id, cluster, vector FROM vectors ORDER BY key")
            while rows := cursor.fetchmany(BATCH):
                yield self._batch(rows)

    def upsert(
        self, ids: Sequence[str], clusters: Numbers, vectors: Vectors, digests: Sequence[str] | None = None
    ) -> Batch:
        """Adds vectors [n, d] of n different ids, or replaces theirs; durable when it returns, all or nothing.

        Returns them with their keys, which are the file's to give: so two processes that write to it never give one
        key twice. `digests`: the SHA-256 of the files they were made of; without them, that is not known.
        """
        with self._changing() as database:
            existing = self._keys_of(ids)
            (unused,) = database.execute("SELECT coalesce(max(key) + 1, 0) FROM vectors").fetchone()
            fresh = count(unused)
            keys = np.array([existing[item] if item in existing else next(fresh) for item in ids], np.int64)
            batch = Batch(keys, ids, clusters, vectors)
            database.executemany("REPLACE INTO vectors VALUES (?, ?, ?, ?)", batch.rows())
            database.executemany("DELETE FROM contents WHERE id = ?", ((item,) for item in ids))
            if digests is not None:
                database.executemany("INSERT INTO contents VALUES (?, ?)", zip(ids, digests, strict=True))
        return batch

    def delete(self, ids: Collection[str]) -> None:
        """Removes the vectors of these ids; durable when it returns, all or nothing."""
        with self._changing() as database:
            database.executemany("DELETE FROM vectors WHERE id = ?", ((item,) for item in ids))
            database.executemany("DELETE FROM contents WHERE id = ?", ((item,) for item in ids))

    def held(self) -> dict[str, str | None]:
        """Every id that has a vector, with the SHA-256 of the file it was made of; None where that is not known."""
        with _explained(self._path):
            query = "SELECT vectors.id, sha256 FROM vectors LEFT JOIN contents ON contents.id = vectors.id"
            return dict(self._database.execute(query).fetchall())

    def changed_elsewhere(self) -> bool:
        """Whether another connection has changed the file since this was last asked, or since it was opened."""
        with _explained(self._path):
            before, self._version = self._version, self._data_version()
        return self._version != before

    def close(self) -> None:
        """Closes the file; SQLite folds its log into it."""
        self._database.close()

    def _data_version(self) -> int:
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        return int(version)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; other processes' changes come before or after all of it."""
        with _explained(self._path, writing=True), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield self._database

    def _keys_of(self, ids: Sequence[str]) -> dict[str, int]:
        """The keys of those of these ids that are here."""
        rows = (self._database.execute("SELECT id, key FROM vectors WHERE id = ?", (item,)) for item in ids)
        return {item: key for matches in rows for item, key in matches}

    def _check_meta(self) -> None:
        stored = dict(self._database.execute("SELECT name, value FROM meta"))
        if stored.get("format") not in {None, FORMAT}:
            raise VectorStoreError(
                f"the vector store {self._path} has format {stored['format']!r}, and this Lookalike reads {FORMAT!r}: "
                "another version wrote it; open it with that one, or delete it to build it anew"
            )
        for name, expected in _meta(self._shape).items():
            if stored.get(name) != expected:
                raise VectorStoreError(
                    f"the vector store {self._path} was written for {name} {stored.get(name)!r}, "
                    f"but {name} {expected!r} is wanted; open it with its own bundle, or delete it to build it anew"
                )

    def _check_size(self) -> None:
        """SQLite reads the missing end of a cut page as zeros: vectors that are wrong, and look right."""
        (page,) = self._database.execute("PRAGMA page_size").fetchone()
        size = self._path.stat().st_size
        if size % page:
            raise self._damaged(f"{size} bytes, which is no whole number of pages of {page}: it was cut off")

    def _batch(self, rows: list[tuple[int, str, int, bytes]]) -> Batch:
        keys, ids, clusters, blobs = zip(*rows, strict=True)
        size = self._shape.dims * LITTLE_ENDIAN.itemsize
        if any(not isinstance(blob, bytes) or len(blob) != size for blob in blobs):
            raise self._damaged(f"a vector that is not {size} bytes long ({self._shape.dims} dims)")
        vectors = np.frombuffer(b"".join(blobs), LITTLE_ENDIAN).reshape(len(blobs), -1).astype(np.float32, copy=False)
        assigned = np.array(clusters)
        if assigned.dtype.kind != "i" or assigned.min() < 0 or assigned.max() >= self._shape.clusters:
            raise self._damaged(f"a vector in a cluster that is not one of 0 to {self._shape.clusters - 1}")
        if not comparable(vectors):
            raise self._damaged("a vector with a number that is not finite, or too large")
        return Batch(np.array(keys, np.int64), ids, assigned.astype(np.int64), vectors)

    def _damaged(self, what: str) -> VectorStoreError:
        return VectorStoreError(f"the vector store {self._path} holds {what}; delete it to build it anew")


def _meta(shape: Shape) -> dict[str, int | str]:
    return {"format": FORMAT, "bundle": shape.bundle, "dims": shape.dims, "clusters": shape.clusters}


@contextmanager
def _explained(path: Path, *, writing: bool = False) -> Iterator[None]:
    """SQLite's errors as ours: StorageError where a change cannot be written, VectorStoreError else."""
    try:
        yield
    except sqlite3.Error as error:
        if writing and (not_written := sqlite_storage_error(error, f"the vector store {path}", path)) is not None:
            raise not_written from error
        raise VectorStoreError(f"the vector store {path} cannot be used: {error}") from error
