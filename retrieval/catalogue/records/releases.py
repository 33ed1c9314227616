"""Which bundle is live, and which ones were, in a database that several servers share.

A database of one machine has no such rows: there the files CURRENT and PUBLISHED of the artifacts folder say it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.table import METADATA, Moment, insert, new_entry

LIVE, NEXT = 1, 2
"""The rows: the bundle that is live, and the one that is about to be, which servers load beside it."""

LIVE_BUNDLE = sa.Table(
    "live_bundle",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("bundle", sa.String(100), nullable=False),
    # Another one after every publication, also of the same bundle.
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("changed", Moment, nullable=False),
)

RELEASES = sa.Table(
    "releases",
    METADATA,
    sa.Column("entry", sa.String(32).with_variant(sa.String(32, "C"), "postgresql"), primary_key=True),
    sa.Column("bundle", sa.String(100), nullable=False),
    sa.Column("why", sa.String(16), nullable=False),
    sa.Column("created", Moment, nullable=False),
)


@dataclass(frozen=True, slots=True)
class LiveBundle:
    """The bundle that is live; `version` changes with every publication."""

    bundle_id: str
    version: int


@dataclass(frozen=True, slots=True)
class ReleaseEntry:
    """One publication; `why` is the trainer's word for it."""

    bundle_id: str
    created: datetime
    why: str


class Releases:
    """What is live. Every method raises CatalogueError where the database cannot answer, StorageError where it
    cannot be written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def live(self) -> LiveBundle | None:
        """None while nothing has been published by way of this database."""
        with self._database.transaction() as connection:
            row = connection.execute(_row(LIVE)).one_or_none()
        return None if row is None else LiveBundle(row.bundle, row.version)

    def go_live(self, bundle_id: str) -> None:
        """The moment at which a bundle goes live."""
        with self._database.transaction(writing=True) as connection:
            _write(connection, LIVE, bundle_id)
            connection.execute(sa.delete(LIVE_BUNDLE).where(LIVE_BUNDLE.c.number == NEXT))

    def next(self) -> str | None:
        """The bundle that is about to go live."""
        with self._database.transaction() as connection:
            row = connection.execute(_row(NEXT)).one_or_none()
        return None if row is None else str(row.bundle)

    def propose(self, bundle_id: str) -> None:
        """Let servers load a bundle, which is about to go live."""
        with self._database.transaction(writing=True) as connection:
            _write(connection, NEXT, bundle_id)

    def withdraw(self, bundle_id: str) -> None:
        """It does not go live after all."""
        with self._database.transaction(writing=True) as connection:
            proposed = sa.and_(LIVE_BUNDLE.c.number == NEXT, LIVE_BUNDLE.c.bundle == bundle_id)
            connection.execute(sa.delete(LIVE_BUNDLE).where(proposed))

    def take_back(self, bundle_id: str, former: str) -> None:
        """Let the former bundle be live again, if this one still is."""
        with self._database.transaction(writing=True) as connection:
            live = connection.execute(_row(LIVE)).one_or_none()
            if live is not None and live.bundle == bundle_id:
                _write(connection, LIVE, former)

    def append(self, entries: Sequence[tuple[str, str]]) -> None:
        """Note that bundles go live, each with why, in this order."""
        with self._database.transaction(writing=True) as connection:
            for bundle_id, why in entries:
                now = datetime.now(UTC)
                values = {"entry": new_entry(now), "bundle": bundle_id, "why": why, "created": now}
                connection.execute(sa.insert(RELEASES).values(values))

    def entries(self) -> list[ReleaseEntry]:
        """All that was noted, oldest first."""
        query = sa.select(RELEASES.c.bundle, RELEASES.c.created, RELEASES.c.why).order_by(RELEASES.c.entry)
        with self._database.transaction() as connection:
            return [ReleaseEntry(*row) for row in connection.execute(query)]


def _row(number: int) -> sa.Select[tuple[str, int]]:
    return sa.select(LIVE_BUNDLE.c.bundle, LIVE_BUNDLE.c.version).where(LIVE_BUNDLE.c.number == number)


def _write(connection: sa.Connection, number: int, bundle_id: str) -> None:
    row = {"number": number, "bundle": bundle_id, "version": 1, "changed": datetime.now(UTC)}
    statement = insert(LIVE_BUNDLE, connection.dialect.name).values(row)
    new = {"bundle": bundle_id, "version": LIVE_BUNDLE.c.version + 1, "changed": row["changed"]}
    connection.execute(statement.on_conflict_do_update(index_elements=["number"], set_=new))
