"""The vectors on disk: a block that is never changed, and a SQLite file with what has changed since it was written.

    meta     name, value                format, bundle, dims, clusters, generation; a note, see `Note`
    vectors  key, id, cluster, vector   vector = d float32, little-endian; in place of one of that id in the block
    contents id, sha256                 of which file a vector of this table was made, where that is known
    removed  id                         no longer here, if it was in the block

The block is `<name>.<generation>.safetensors` beside `<name>.sqlite`; see block.py. SQLite makes changes durable; when
there are many, all vectors go into a new block. Format 1 had every vector in the table, and no block.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Numbers, Vectors
from retrieval.durable import sqlite_storage_error, storage_error, write_atomically
from retrieval.errors import VectorStoreError
from retrieval.vectors.base import Note, comparable
from retrieval.vectors.embedded.block import packed_digests

FORMAT, OLDEST_FORMAT = 2, 1
CONTENTS = "CREATE TABLE IF NOT EXISTS contents (id TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;"
REMOVED = "CREATE TABLE IF NOT EXISTS removed (id TEXT PRIMARY KEY) WITHOUT ROWID;"
SCHEMA = f"""
{CONTENTS}
{REMOVED}
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE vectors (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, cluster INTEGER NOT NULL, vector BLOB NOT NULL);
"""
FORGET_NOTE = "DELETE FROM meta WHERE name = 'note'"
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
    """n vectors [n, d] with their ids, clusters [n], and the SHA-256 uint8 [n, 32] of their files, or zeros."""

    ids: Sequence[str]
    clusters: Numbers
    vectors: Vectors
    digests: NDArray[np.uint8]


class VectorFile:
    """One open SQLite file. Writers take turns outside."""

    def __init__(self, path: Path, shape: Shape, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """Raises VectorStoreError if there is no such file, or it is not a vector file of this shape."""
        if not path.is_file():
            raise VectorStoreError(f"there is no vector store at {path}; create it from the bundle's vectors first")
        self.path = path
        self._shape = shape
        with _explained(path):
            self._database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                timeout=busy_seconds,
                uri=True,
                check_same_thread=False,
                isolation_level=None,
            )
            try:
                self._check_meta()
                self._check_size()
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.execute(CONTENTS)  # files of earlier versions have none
                self._database.execute(REMOVED)
                self._version = self._data_version()
            except BaseException:
                self._database.close()
                raise

    @classmethod
    def create(cls, path: Path, shape: Shape, generation: int) -> None:
        """Writes a new file without changes, beside the block of this generation: whole or not at all.

        Raises StorageError if it cannot be written.
        """
        try:
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
                    meta = {"format": FORMAT, **_meta(shape), "generation": generation}
                    database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        except OSError as error:
            raise storage_error(error, f"the vector store {path}") from error

    @contextmanager
    def reading(self) -> Iterator[int]:
        """One state of the file, whatever others write meanwhile; the generation of its block, 0 for none."""
        with _explained(self.path):
            self._database.execute("BEGIN")
            try:
                yield self._generation()
            finally:
                self._database.execute("ROLLBACK")

    @contextmanager
    def replacing_block(self) -> Iterator[int]:
        """Nobody else writes meanwhile; at the end, the block of the next generation stands for all changes so far.

        Gives the generation so far.
        """
        with self.writing():
            before = self._generation()
            yield before
            meta = {"format": FORMAT, "generation": before + 1}
            self._database.executemany("REPLACE INTO meta VALUES (?, ?)", meta.items())
            for table in ("vectors", "contents", "removed"):
                self._database.execute(f"DELETE FROM {table}")  # noqa: S608

    def changes(self) -> Iterator[Batch]:
        """The vectors that are not the block's, batch by batch. Raises VectorStoreError for a row that does not fit."""
        query = "SELECT id, cluster, vector, sha256 FROM vectors LEFT JOIN contents USING (id) ORDER BY key"
        with _explained(self.path), closing(self._database.cursor()) as cursor:
            cursor.execute(query)
            while rows := cursor.fetchmany(BATCH):
                yield self._batch(rows)

    def removed(self) -> set[str]:
        """The ids that are no longer here if they were in the block."""
        with _explained(self.path):
            return {item for (item,) in self._database.execute("SELECT id FROM removed")}

    def change_digests(self) -> dict[str, str | None]:
        """Every id that has a vector outside the block, with the SHA-256 of its file; None where that is not known."""
        with _explained(self.path):
            return dict(self._database.execute("SELECT id, sha256 FROM vectors LEFT JOIN contents USING (id)"))

    def upsert(
        self, ids: Sequence[str], clusters: Numbers, vectors: Vectors, digests: Sequence[str | None] | None = None
    ) -> None:
        """Adds vectors [n, d] of n different ids, or replaces theirs; durable when it returns, all or nothing.

        `digests`: the SHA-256 of the files they were made of; without them, that is not known.
        """
        blobs = (vector.tobytes() for vector in vectors.astype(LITTLE_ENDIAN, copy=False))
        with self.writing() as database:
            database.execute(FORGET_NOTE)
            database.executemany(
                "REPLACE INTO vectors (id, cluster, vector) VALUES (?, ?, ?)",
                zip(ids, clusters.tolist(), blobs, strict=True),
            )
            database.executemany("DELETE FROM contents WHERE id = ?", ((item,) for item in ids))
            if digests is not None:
                with_digest = [(item, digest) for item, digest in zip(ids, digests, strict=True) if digest]
                database.executemany("INSERT INTO contents VALUES (?, ?)", with_digest)

    def delete(self, ids: Collection[str]) -> None:
        """Removes the vectors of these ids; durable when it returns, all or nothing."""
        rows = [(item,) for item in ids]
        with self.writing() as database:
            database.execute(FORGET_NOTE)
            database.executemany("DELETE FROM vectors WHERE id = ?", rows)
            database.executemany("DELETE FROM contents WHERE id = ?", rows)
            database.executemany("INSERT OR IGNORE INTO removed VALUES (?)", rows)

    def note(self) -> Note | None:
        """See `VectorStore`."""
        with _explained(self.path):
            row = self._database.execute("SELECT value FROM meta WHERE name = 'note'").fetchone()
        if row is None:
            return None
        try:
            catalogue, version, without = json.loads(row[0])
            return Note(catalogue, version, tuple(without))
        except (ValueError, TypeError) as error:
            raise self._damaged("a note that cannot be read") from error

    def keep_note(self, note: Note) -> None:
        """See `VectorStore`."""
        with self.writing() as database:
            text = json.dumps([note.catalogue, note.version, note.without])
            database.execute("REPLACE INTO meta VALUES ('note', ?)", (text,))

    def changed_elsewhere(self) -> bool:
        """Whether another connection has changed the file since this was last asked, or since it was opened."""
        with _explained(self.path):
            before, self._version = self._version, self._data_version()
        return self._version != before

    def close(self) -> None:
        """Closes the file; SQLite folds its log into it."""
        self._database.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; other processes' changes come before or after all of it."""
        with _explained(self.path, writing=True):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _data_version(self) -> int:
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        return int(version)

    def _generation(self) -> int:
        return _generation_in(self._database)

    def _check_meta(self) -> None:
        stored = dict(self._database.execute("SELECT name, value FROM meta"))
        if stored.get("format") not in range(OLDEST_FORMAT, FORMAT + 1):
            raise VectorStoreError(
                f"the vector store {self.path} has format {stored.get('format')!r}, and this Lookalike reads "
                f"{OLDEST_FORMAT} to {FORMAT}: another version wrote it; open it with that one, or build it anew"
            )
        for name, expected in _meta(self._shape).items():
            if stored.get(name) != expected:
                raise VectorStoreError(
                    f"the vector store {self.path} was written for {name} {stored.get(name)!r}, "
                    f"but {name} {expected!r} is wanted; open it with its own bundle, or delete it to build it anew"
                )

    def _check_size(self) -> None:
        """SQLite reads the missing end of a cut page as zeros: vectors that are wrong, and look right."""
        (page,) = self._database.execute("PRAGMA page_size").fetchone()
        size = self.path.stat().st_size
        if size % page:
            raise self._damaged(f"{size} bytes, which is no whole number of pages of {page}: it was cut off")

    def _batch(self, rows: list[tuple[str, int, bytes, str | None]]) -> Batch:
        ids, clusters, blobs, digests = zip(*rows, strict=True)
        size = self._shape.dims * LITTLE_ENDIAN.itemsize
        if any(not isinstance(blob, bytes) or len(blob) != size for blob in blobs):
            raise self._damaged(f"a vector that is not {size} bytes long ({self._shape.dims} dims)")
        vectors = np.frombuffer(b"".join(blobs), LITTLE_ENDIAN).reshape(len(blobs), -1).astype(np.float32, copy=False)
        assigned = np.array(clusters)
        if assigned.dtype.kind != "i" or assigned.min() < 0 or assigned.max() >= self._shape.clusters:
            raise self._damaged(f"a vector in a cluster that is not one of 0 to {self._shape.clusters - 1}")
        if not comparable(vectors):
            raise self._damaged("a vector with a number that is not finite, or too large")
        try:
            packed = packed_digests(digests)
        except ValueError as error:
            raise self._damaged("a SHA-256 that is none") from error
        return Batch(ids, assigned.astype(np.int64), vectors, packed)

    def _damaged(self, what: str) -> VectorStoreError:
        return VectorStoreError(f"the vector store {self.path} holds {what}; delete it to build it anew")


def generation_of(path: Path) -> int:
    """The generation of the block that a file names, 0 for none. Raises sqlite3.Error."""
    with closing(sqlite3.connect(path)) as database:
        return _generation_in(database)


def _generation_in(database: sqlite3.Connection) -> int:
    row = database.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
    return int(row[0]) if row else 0


def _meta(shape: Shape) -> dict[str, int | str]:
    return {"bundle": shape.bundle, "dims": shape.dims, "clusters": shape.clusters}


@contextmanager
def _explained(path: Path, *, writing: bool = False) -> Iterator[None]:
    """SQLite's errors as ours: StorageError where a change cannot be written, VectorStoreError else."""
    try:
        yield
    except sqlite3.Error as error:
        if writing and (not_written := sqlite_storage_error(error, f"the vector store {path}", path)) is not None:
            raise not_written from error
        raise VectorStoreError(f"the vector store {path} cannot be used: {error}") from error
