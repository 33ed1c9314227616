"""Which items are no duplicates of each other, as people have said: kept beside the items, in their database."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from hashlib import sha256

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.item import ID_LENGTH
from retrieval.catalogue.table import BATCH, ITEMS, insert

# A row says that an item is in a set of which no two are duplicates: n rows, where all pairs would be n^2.
_DISMISSALS = sa.Table(
    "dismissals",
    sa.MetaData(),
    sa.Column("dismissal", sa.String(32), primary_key=True),
    sa.Column("item", sa.String(ID_LENGTH), primary_key=True),
)


class Dismissals:
    """The dismissals in a catalogue's database. The table is made if absent.

    Every method raises CatalogueError where the database cannot answer.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        try:
            self._database.prepare([_DISMISSALS])
        except BaseException:
            self._database.close()
            raise

    def dismiss(self, ids: Collection[str]) -> None:
        """No two of these are duplicates. Durable when it returns; the same again changes nothing."""
        members = sorted(set(ids))
        name = sha256("\0".join(members).encode()).hexdigest()[:32]
        rows = [{"dismissal": name, "item": item} for item in members]
        statement = insert(_DISMISSALS, self._database.dialect).on_conflict_do_nothing()
        with self._database.transaction(writing=True) as connection:
            for start in range(0, len(rows), BATCH):
                connection.execute(statement, rows[start : start + BATCH])

    def count(self) -> int:
        """How many rows there are: it grows with every dismissal, and with nothing else."""
        with self._database.transaction() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(_DISMISSALS)).scalar_one()

    def by_item(self) -> Mapping[str, frozenset[str]]:
        """For each item the dismissals that it is in: two items that share one are no duplicates of each other."""
        found: dict[str, set[str]] = defaultdict(set)
        with self._database.transaction() as connection:
            for row in connection.execute(sa.select(_DISMISSALS)):
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
