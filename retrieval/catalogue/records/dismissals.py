"""Which pictures are no duplicates of each other, as people have said: kept beside the items, in their database.

What was said holds for the pictures that were looked at: not for another one that comes under an item's id later, and
still for the same one under another id.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import sqlalchemy as sa

from retrieval.catalogue.database import BUSY_SECONDS
from retrieval.catalogue.reading import read_digests
from retrieval.catalogue.schema import open_database
from retrieval.catalogue.table import BATCH, DISMISSALS, ITEMS, insert
from retrieval.errors import DismissalMissing, ItemMissing


@dataclass(frozen=True, slots=True)
class Member:
    """An item as it was when it was dismissed: its id, and the SHA-256 of its picture."""

    id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Dismissal:
    """No two of these pictures are duplicates of each other. `created`: when that was said."""

    id: str
    created: datetime
    members: tuple[Member, ...]


class Dismissals:
    """The dismissals in a catalogue's database, whose tables are made, or upgraded from an earlier version.

    Every method raises CatalogueError where the database cannot answer.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._database = open_database(url, busy_seconds=busy_seconds)

    def dismiss(self, ids: Collection[str]) -> str:
        """No two of these items' pictures are duplicates; returns the dismissal's id. Durable when it returns.

        The same again changes nothing. Raises ItemMissing where one of them does not exist.
        """
        names = sorted(set(ids))
        with self._database.transaction(writing=True) as connection:
            digests = read_digests(connection, names)
            if len(digests) < len(names):
                raise ItemMissing("there is no item of one of these ids in the catalogue")
            name = sha256("\0".join(f"{id_}\0{digests[id_]}" for id_ in names).encode()).hexdigest()[:32]
            now = datetime.now(UTC)
            rows = [{"dismissal": name, "item": id_, "sha256": digests[id_], "created": now} for id_ in names]
            statement = insert(DISMISSALS, self._database.dialect).on_conflict_do_nothing()
            for start in range(0, len(rows), BATCH):
                connection.execute(statement, rows[start : start + BATCH])
        return name

    def undo(self, dismissal: str) -> None:
        """Forget that it was said. Raises DismissalMissing."""
        deleting = sa.delete(DISMISSALS).where(DISMISSALS.c.dismissal == dismissal)
        with self._database.transaction(writing=True) as connection:
            if not connection.execute(deleting).rowcount:
                raise DismissalMissing("there is no dismissal of that id")

    def listed(self, *, offset: int, limit: int) -> tuple[list[Dismissal], int]:
        """Some dismissals, the latest first, and how many there are in all."""
        name, created = DISMISSALS.c.dismissal, sa.func.min(DISMISSALS.c.created)
        page = sa.select(name).group_by(name).order_by(created.desc(), name).offset(offset).limit(limit)
        with self._database.transaction() as connection:
            names = list(connection.execute(page).scalars())
            total = connection.execute(sa.select(sa.func.count(name.distinct()))).scalar_one()
            rows = connection.execute(sa.select(DISMISSALS).where(name.in_(names)).order_by(DISMISSALS.c.item)).all()
        by_name = {each.id: each for each in _grouped(rows)}
        return [by_name[each] for each in names], total

    def all(self) -> list[Dismissal]:
        """Every dismissal, in no particular order."""
        with self._database.transaction() as connection:
            return _grouped(connection.execute(sa.select(DISMISSALS)))

    def version(self) -> tuple[int, int]:
        """What is another one as soon as there is another dismissal, or one less."""
        latest = sa.func.coalesce(sa.func.max(sa.type_coerce(DISMISSALS.c.created, sa.BigInteger)), 0)
        with self._database.transaction() as connection:
            count, newest = connection.execute(sa.select(sa.func.count(), latest).select_from(DISMISSALS)).one()
            return count, newest

    def catalogue_state(self) -> str:
        """What is another one as soon as an item has come or gone, or has another picture. Reads every id."""
        digest = sha256()
        columns = sa.select(ITEMS.c.id, ITEMS.c.sha256).order_by(ITEMS.c.id)
        with self._database.transaction() as connection:
            for row in connection.execution_options(yield_per=BATCH).execute(columns):
                digest.update(f"{row.id}\0{row.sha256}\0".encode())
        return digest.hexdigest()

    def close(self) -> None:
        """Close all connections; nothing may be asked afterwards."""
        self._database.close()


def _grouped(rows: Iterable[sa.Row[tuple[str, str, str, datetime]]]) -> list[Dismissal]:
    members: dict[str, list[Member]] = {}
    created: dict[str, datetime] = {}
    for row in rows:
        members.setdefault(row.dismissal, []).append(Member(row.item, row.sha256))
        created[row.dismissal] = row.created
    return [Dismissal(name, created[name], tuple(each)) for name, each in members.items()]
