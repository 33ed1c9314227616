"""Which items are no duplicates of each other, as people have said: kept beside the items, in their database."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from hashlib import sha256

import sqlalchemy as sa

from retrieval.catalogue.database import BUSY_SECONDS
from retrieval.catalogue.schema import open_database
from retrieval.catalogue.table import BATCH, DISMISSALS, ITEMS, insert


class Dismissals:
    """The dismissals in a catalogue's database, whose tables are made, or upgraded from an earlier version.

    Every method raises CatalogueError where the database cannot answer.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._database = open_database(url, busy_seconds=busy_seconds)

    def dismiss(self, ids: Collection[str]) -> None:
        """No two of these are duplicates. Durable when it returns; the same again changes nothing."""
        members = sorted(set(ids))
        name = sha256("\0".join(members).encode()).hexdigest()[:32]
        rows = [{"dismissal": name, "item": item} for item in members]
        statement = insert(DISMISSALS, self._database.dialect).on_conflict_do_nothing()
        with self._database.transaction(writing=True) as connection:
            for start in range(0, len(rows), BATCH):
                connection.execute(statement, rows[start : start + BATCH])

    def count(self) -> int:
        """How many rows there are: it grows with every dismissal, and with nothing else."""
        with self._database.transaction() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(DISMISSALS)).scalar_one()

    def by_item(self) -> Mapping[str, frozenset[str]]:
        """For each item the dismissals that it is in: two items that share one are no duplicates of each other."""
        found: dict[str, set[str]] = defaultdict(set)
        with self._database.transaction() as connection:
            for row in connection.execute(sa.select(DISMISSALS)):
                found[row.item].add(row.dismissal)
        return {item: frozenset(names) for item, names in found.items()}

    def catalogue_state(self) -> str:
        """What is another one as soon as an item has come or gone, or has another picture. Reads every id."""
        digest = sha256()
        asked = sa.select(ITEMS.c.id, ITEMS.c.sha256).order_by(ITEMS.c.id)
        with self._database.transaction() as connection:
            for row in connection.execution_options(yield_per=BATCH).execute(asked):
                digest.update(f"{row.id}\0{row.sha256}\0".encode())
        return digest.hexdigest()

    def close(self) -> None:
        """Close all connections; nothing may be asked afterwards."""
        self._database.close()
