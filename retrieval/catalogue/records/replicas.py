"""What servers that share a PostgreSQL database know of each other: who is there, whose a job is, how fast keys ask.

Times are those of the database, so that no two clocks are compared. What a killed server leaves ends by itself.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.table import METADATA, insert

NAME = sa.String(200)
POSTGRESQL = "postgresql"

LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", NAME, primary_key=True),
    sa.Column("owner", NAME, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),  # microseconds since 1970
)
REPLICAS = sa.Table(
    "replicas",
    METADATA,
    sa.Column("name", NAME, primary_key=True),
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)
RATES = sa.Table(
    "rates",
    METADATA,
    sa.Column("name", NAME, primary_key=True),
    sa.Column("spent", sa.Double, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

NOW = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger)
FORGET = 3_600_000_000  # microseconds: a server that has been away for so long is forgotten


@dataclass(frozen=True, slots=True)
class Replica:
    """A server that has reported a short while ago, and what it said of itself."""

    name: str
    state: Mapping[str, Any]


class Shared:
    """Leases, replicas and rates. Every method raises CatalogueError where the database cannot answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take_lease(self, name: str, owner: str, seconds: float) -> bool:
        """Be the one owner of a job for so long, or for longer where it is the owner; False while somebody else is."""
        statement = insert(LEASES, POSTGRESQL).values(name=name, owner=owner, until=NOW + _length(seconds))
        new = {"owner": statement.excluded.owner, "until": statement.excluded.until}
        free = sa.or_(LEASES.c.owner == owner, LEASES.c.until < NOW)
        taking = statement.on_conflict_do_update(index_elements=["name"], set_=new, where=free)
        with self._brief() as connection:
            return connection.execute(taking.returning(LEASES.c.name)).one_or_none() is not None

    def drop_lease(self, name: str, owner: str) -> None:
        """Let others take a lease, if it is this owner's."""
        with self._brief() as connection:
            connection.execute(sa.delete(LEASES).where(LEASES.c.name == name, LEASES.c.owner == owner))

    def report(self, name: str, state: Mapping[str, Any], seconds: float) -> None:
        """Be there, in this state, for so long."""
        statement = insert(REPLICAS, POSTGRESQL).values(name=name, state=dict(state), until=NOW + _length(seconds))
        new = {"state": statement.excluded.state, "until": statement.excluded.until}
        with self._brief() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=new))
            connection.execute(sa.delete(REPLICAS).where(REPLICAS.c.until < NOW - FORGET))

    def leave(self, name: str) -> None:
        """Be there no more."""
        with self._brief() as connection:
            connection.execute(sa.delete(REPLICAS).where(REPLICAS.c.name == name))

    def replicas(self) -> list[Replica]:
        """Those that are there, by name."""
        query = sa.select(REPLICAS.c.name, REPLICAS.c.state).where(REPLICAS.c.until >= NOW).order_by(REPLICAS.c.name)
        with self._brief() as connection:
            return [Replica(row.name, row.state) for row in connection.execute(query)]

    def take_token(self, name: str, rate_per_minute: int) -> float:
        """Count a request of a key, or say in how many seconds it may send one: the same for all servers.

        A minute's requests may come at once, and then as many as flow in.
        """
        statement = insert(RATES, POSTGRESQL).values(name=name, spent=0.0, since=NOW)
        flown = sa.func.greatest(0, NOW - RATES.c.since) * rate_per_minute / 60_000_000.0
        new = {"spent": sa.func.greatest(0.0, RATES.c.spent - flown), "since": sa.func.greatest(RATES.c.since, NOW)}
        counted = statement.on_conflict_do_update(index_elements=["name"], set_=new).returning(RATES.c.spent)
        with self._brief() as connection:  # which keeps the row for itself
            spent = float(connection.execute(counted).scalar_one())
            if spent + 1 > rate_per_minute:
                return (spent + 1 - rate_per_minute) * 60 / rate_per_minute
            connection.execute(sa.update(RATES).where(RATES.c.name == name).values(spent=RATES.c.spent + 1))
            return 0.0

    def _brief(self) -> AbstractContextManager[sa.Connection]:
        return self._database.transaction(brief=True)


def _length(seconds: float) -> int:
    """In microseconds."""
    return round(1_000_000 * seconds)
