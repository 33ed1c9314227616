"""The whole catalogue: what is known of the items, and how they come, change and go.

Threads may share a Catalogue, and a trainer may replace the items while servers read them: every call sees either all
of a replacement or none of it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from retrieval.catalogue.changes import Changes
from retrieval.catalogue.database import BUSY_SECONDS
from retrieval.catalogue.facts.ledger import Ledger
from retrieval.catalogue.item import Item
from retrieval.catalogue.reading import CatalogueReader
from retrieval.catalogue.records.bin import Bin
from retrieval.catalogue.records.corrections import CorrectionReader
from retrieval.catalogue.records.feedback import FeedbackReader
from retrieval.catalogue.records.history import HistoryReader
from retrieval.catalogue.records.jobs import JobReader
from retrieval.catalogue.records.releases import Releases
from retrieval.catalogue.records.replicas import Shared
from retrieval.catalogue.schema import open_database
from retrieval.catalogue.source import SourceWriter


class Catalogue(CatalogueReader):
    """The items in the database at `url`, such as sqlite:////srv/artifacts/catalogue.sqlite.

    The tables are made, or upgraded from an earlier version. Every method raises CatalogueError where the database
    cannot answer, and StorageError where a change cannot be written.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """`busy_seconds`: how long a change waits for somebody else's before it is given up (StorageBusy)."""
        super().__init__(open_database(url, busy_seconds=busy_seconds))
        self.changes = 0
        """Versions of the items that `writing` has made here."""
        self.bin = Bin(self._database)
        """The deleted items."""
        self.feedback = FeedbackReader(self._database)
        """What people said of items."""
        self.corrections = CorrectionReader(self._database)
        """What people changed of the source's items."""
        self.history = HistoryReader(self._database)
        """How items were described."""
        self.jobs = JobReader(self._database)
        """Long work that was asked for."""
        self.releases = Releases(self._database) if self._database.dialect == "postgresql" else None
        """Which bundle is live; None where the file CURRENT says it."""
        self.shared = Shared(self._database) if self._database.dialect == "postgresql" else None
        """What servers of this database know of each other; None where there is one of them."""

    def add_source(self, items: Iterable[Item]) -> None:
        """Write those of these items whose id is new, as origin "source", and change nothing else. One transaction."""
        with self._database.transaction(writing=True) as connection:
            source = SourceWriter(connection)
            source.add(items)
            source.close()

    def replace_source(self, items: Iterable[Item]) -> None:
        """Make these the items of origin "source": write them, and delete earlier ones not among them.

        Items of origin "api" stay, unless one of these has the same id. One transaction: readers see the old
        set until the new one is whole, and an error, also one raised by `items`, leaves the old. Other
        writers wait while `items` is drawn. Of two items of the same id, the later counts. What people corrected
        stays, as `records/corrections.py` says.
        """
        with self._database.transaction(writing=True) as connection:
            source = SourceWriter(connection)
            source.replace(items)
            source.close()

    @contextmanager
    def writing(self) -> Iterator[Changes]:
        """A transaction in which items come, change and go; committed at the end, or undone if it raises."""
        with self._database.transaction(writing=True) as connection:
            ledger = Ledger(connection)
            yield Changes(connection, ledger)
            changed = ledger.close()
        self.changes += changed

    def check_writable(self) -> None:
        """Raise StorageError or CatalogueError where a change could not be begun now."""
        with self.writing():
            pass

    def close(self) -> None:
        """Close all connections; nothing may be asked afterwards."""
        self._database.close()
