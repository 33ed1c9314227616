"""What was fetched: each picture once, under the SHA-256 of its bytes, and an index of which URL gave it."""

import csv
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Self

from retrieval.durable import write_atomically

BUSY_SECONDS = 60
SCHEMA = """
CREATE TABLE IF NOT EXISTS fetched (
    url TEXT PRIMARY KEY, status INTEGER, digest TEXT, bytes INTEGER, reason TEXT,
    tries INTEGER NOT NULL, fetched_at TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one URL: either the SHA-256 and the size of the picture it gave, or the reason why there is none.

    `status` is the last HTTP status, None where no server answered.
    """

    url: str
    status: int | None = None
    digest: str | None = None
    bytes: int | None = None
    reason: str | None = None


class Cache:
    """A folder of pictures and its index, for any number of threads.

    Each fate is committed as it is recorded: a run that is stopped loses nothing. The pictures are not synced one by
    one; a file that a power cut left short does not have its recorded size, and is fetched again.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._index = sqlite3.connect(folder / "index.sqlite", timeout=BUSY_SECONDS, check_same_thread=False)
        self._lock = Lock()  # a connection has one transaction at a time
        self._index.execute("PRAGMA journal_mode=WAL")
        self._index.execute(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._index.close()

    def path(self, digest: str) -> Path:
        """Where the picture of that content lies."""
        return self.folder / digest

    def find(self, url: str) -> Fate | None:
        """The fate of a URL whose picture is there; None where it has to be fetched."""
        fate = self._fate(url)
        if fate is None or fate.digest is None:
            return None
        path = self.path(fate.digest)
        return fate if path.is_file() and path.stat().st_size == fate.bytes else None

    def keep(self, data: bytes) -> str:
        """Store a picture whole or not at all, and return its SHA-256."""
        digest = sha256(data).hexdigest()
        with write_atomically(self.path(digest), several=True, durable=False) as draft:
            draft.write_bytes(data)
        return digest

    def record(self, fate: Fate) -> None:
        """Remember what became of a URL, for good."""
        with self._lock, self._index:
            self._index.execute(
                "INSERT INTO fetched VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (url) DO UPDATE SET status = "
                "excluded.status, digest = excluded.digest, bytes = excluded.bytes, reason = excluded.reason, "
                "tries = tries + 1, fetched_at = excluded.fetched_at",
                (fate.url, fate.status, fate.digest, fate.bytes, fate.reason, datetime.now(UTC).isoformat()),
            )

    def write_table(self, table: Path, urls: Iterable[str]) -> None:
        """The fates of `urls`, in that order, as a CSV for people to read."""
        with (
            write_atomically(table, durable=False) as draft,
            draft.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["url", "status", "digest", "bytes", "reason"])
            for url in urls:
                fate = self._fate(url) or Fate(url, reason="not asked for yet")
                writer.writerow([fate.url, fate.status, fate.digest, fate.bytes, fate.reason])

    def _fate(self, url: str) -> Fate | None:
        with self._lock:
            query = "SELECT url, status, digest, bytes, reason FROM fetched WHERE url = ?"
            row = self._index.execute(query, (url,)).fetchone()
        return Fate(*row) if row else None
