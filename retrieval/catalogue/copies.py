"""A copy of a catalogue for a backup: as it is at one moment, of whichever version, and not brought to another one."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from retrieval.durable import copy_database, is_database_open
from retrieval.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class CopiedItem:
    """What a backup must know of an item: see Item."""

    id: str
    location: str
    sha256: str


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """The catalogue in a SQLite file. Every method raises CatalogueError where the file cannot be used."""

    path: Path

    def copy(self, target: Path) -> "CatalogueFile":
        """Copy it, while others may be writing to it, into a new file."""
        with self._failures():
            copy_database(self.path, target)
        return CatalogueFile(target)

    def is_open(self) -> bool:
        """Whether another process has it open."""
        with self._failures():
            return is_database_open(self.path)

    def items(self) -> list[CopiedItem]:
        """Every item, by id."""
        with self._database() as database:
            return [CopiedItem(*row) for row in database.execute("SELECT id, location, sha256 FROM items ORDER BY id")]

    def gone(self, items: Collection[CopiedItem]) -> list[CopiedItem]:
        """Those of these items that are not here, or with another picture."""
        query = "SELECT 1 FROM items WHERE id = ? AND sha256 = ?"
        with self._database() as database:
            return [item for item in items if not database.execute(query, (item.id, item.sha256)).fetchone()]

    def delete(self, items: Collection[CopiedItem]) -> None:
        """Delete items. What is derived from them is made anew when the copy is opened as a catalogue."""
        with self._database() as database:
            database.executemany("DELETE FROM items WHERE id = ?", ((item.id,) for item in items))
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone():  # since version 0006
                database.execute("UPDATE state SET stale = 1")

    def empty_bin(self) -> None:
        """Delete what is in the bin, if it has one: its pictures are not items', and so in no backup."""
        with self._database() as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'bin'").fetchone():
                database.execute("DELETE FROM bin")

    def relocate(self, locations: Mapping[str, str]) -> None:
        """Let the items at these locations have their pictures at other ones."""
        with self._database() as database:
            database.executemany(
                "UPDATE items SET location = ? WHERE location = ?", ((new, old) for old, new in locations.items())
            )

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        with self._failures(), closing(sqlite3.connect(address, uri=True)) as database, database:
            yield database

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise CatalogueError(f"the catalogue {self.path} cannot be copied or read: {error}") from error
