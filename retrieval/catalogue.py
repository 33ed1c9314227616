"""The catalogue: which items exist, where their pictures are, what is known of them. Never any model output.

One table, in SQLite (a file) or PostgreSQL (by URL). Threads may share a Catalogue, and a trainer may replace
the items while servers read them: every call sees either all of a replacement or none of it.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError

from retrieval import facets
from retrieval.errors import CatalogueError, ItemMissing
from retrieval.facets import Facet
from retrieval.filters import EVERYTHING, Filter

Attribute: TypeAlias = str | int | float | bool

ID_LENGTH = 128  # characters
BUSY_SECONDS = 30  # how long a writer waits for another one (SQLite)
BATCH = 500  # ids or rows in one statement; SQLite builds allow 999 variables and more
POOL_SIZE = 8  # connections kept open
CREATION_LOCK = 0x6C6F6F6B  # any number, the same for all who create the table (PostgreSQL)


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of the catalogue. `width` and `height` in pixels, as the picture is seen.

    `location` is the picture's file, absolute or relative to the artifacts folder. `origin` is "source" for
    what a training run wrote, "api" for what was added later. Raises CatalogueError for an id that is not
    1 to 128 printable characters.
    """

    id: str
    location: str
    sha256: str
    media_type: str
    width: int
    height: int
    label: str | None
    attributes: Mapping[str, Attribute]
    origin: Literal["source", "api"]

    def __post_init__(self) -> None:
        if not is_id(self.id):
            raise CatalogueError(f"{self.id!r} cannot be an item's id; give it 1 to {ID_LENGTH} printable characters")


# Ordered by code points in both databases: collation "C" in PostgreSQL is what SQLite does anyway.
_ID = sa.String(ID_LENGTH).with_variant(sa.String(ID_LENGTH, "C"), "postgresql")
_ITEMS = sa.Table(
    "items",
    sa.MetaData(),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("origin", sa.String(8), nullable=False),
    # Which replacement last wrote the row, so that one statement finds those it did not write.
    sa.Column("replacement", sa.String(16)),
)
_ITEM = sa.select(*(_ITEMS.c[field.name] for field in fields(Item)))
_BY_ID = _ITEM.where(_ITEMS.c.id.in_(sa.bindparam("ids", expanding=True)))
_INSERT = {"sqlite": sqlite_insert, "postgresql": postgresql_insert}


class Catalogue:
    """The items in the database at `url`, such as sqlite:////srv/artifacts/catalogue.sqlite.

    The table is made if absent. Every method raises CatalogueError where the database cannot answer.
    """

    def __init__(self, url: str) -> None:
        self._name = "the catalogue"
        with self._failures():
            parsed = sa.make_url(url)
            self._name = f"the catalogue {parsed.render_as_string(hide_password=True)}"
            self._engine = _engine(parsed)
        try:
            self._prepare_table()
        except CatalogueError:
            self.close()
            raise

    def get(self, id_: str) -> Item:
        """Raises ItemMissing."""
        item = self.get_many([id_]).get(id_)
        if item is None:
            raise ItemMissing("there is no item of that id in the catalogue")
        return item

    def get_many(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items of these ids, by id; those that do not exist are left out."""
        possible = [id_ for id_ in ids if is_id(id_)]
        found: dict[str, Item] = {}
        with self._transaction() as connection:
            for start in range(0, len(possible), BATCH):
                rows = connection.execute(_BY_ID, {"ids": possible[start : start + BATCH]})
                found.update((row.id, Item(*row)) for row in rows)
        return found

    def count(self) -> int:
        with self._transaction() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(_ITEMS)).scalar_one()

    def ids(self) -> list[str]:
        """All ids, in the order of `items`."""
        with self._transaction() as connection:
            return list(connection.execute(sa.select(_ITEMS.c.id).order_by(_ITEMS.c.id)).scalars())

    def items(self) -> Iterator[Item]:
        """All items by ascending id, as they were at the first `next`; held in memory a batch at a time."""
        with self._transaction() as connection:
            streaming = connection.execution_options(yield_per=BATCH)
            for row in streaming.execute(_ITEM.order_by(_ITEMS.c.id)):
                yield Item(*row)

    def matching(self, chosen: Filter, without: Collection[str] = ()) -> list[str]:
        """The ids of the items that a filter lets through, except these, in the order of `items`."""
        asked = sa.select(_ITEMS.c.id).where(self._passes(chosen, without)).order_by(_ITEMS.c.id)
        with self._transaction() as connection:
            return list(connection.execute(asked).scalars())

    def count_matching(self, chosen: Filter = EVERYTHING, without: Collection[str] = ()) -> int:
        """How many ids `matching` has."""
        asked = sa.select(sa.func.count()).select_from(_ITEMS).where(self._passes(chosen, without))
        with self._transaction() as connection:
            return connection.execute(asked).scalar_one()

    def labels(self, chosen: Filter = EVERYTHING) -> dict[str, int]:
        """How many items carry each label, by label, of those that a filter lets through."""
        label = _ITEMS.c.label
        counted = sa.select(label, sa.func.count()).where(label.is_not(None), self._passes(chosen))
        with self._transaction() as connection:
            return dict(connection.execute(counted.group_by(label).order_by(label)).all())

    def facets(self, chosen: Filter = EVERYTHING, *, limit: int) -> list[Facet]:
        """The attributes of the items that a filter lets through, each with its `limit` most frequent values."""
        asked = facets.most_frequent(_ITEMS, self._engine.dialect.name, chosen, limit)
        with self._transaction() as connection:
            return facets.read_facets(connection.execute(asked))

    def tally(
        self,
        name: str | None,
        values: Collection[Attribute | None],
        chosen: Filter = EVERYTHING,
        without: Collection[str] = (),
    ) -> list[tuple[Attribute | None, int]]:
        """How many of the items of `matching` have each of these values of an attribute, or of the label (name None).

        None among the values: how many have none.
        """
        asked = facets.tallies(_ITEMS, self._engine.dialect.name, name, values, self._passes(chosen, without))
        with self._transaction() as connection:
            return [(facets.value_of(row), row.held) for row in connection.execute(asked)]

    def count_values(self, name: str | None, chosen: Filter = EVERYTHING, without: Collection[str] = ()) -> int:
        """How many different values the items of `matching` have, as in `tally`; having none is one of them."""
        asked = facets.distinct(_ITEMS, self._engine.dialect.name, name, self._passes(chosen, without))
        with self._transaction() as connection:
            return int(connection.execute(asked).scalar_one())

    def digests(self, origin: Literal["source", "api"] | None = None) -> dict[str, str]:
        """The SHA-256 of every item's file by id, of all items or those of one origin."""
        asked = sa.select(_ITEMS.c.id, _ITEMS.c.sha256)
        if origin is not None:
            asked = asked.where(_ITEMS.c.origin == origin)
        with self._transaction() as connection:
            return {row.id: row.sha256 for row in connection.execute(asked)}

    def add_source(self, items: Iterable[Item]) -> None:
        """Write those of these items whose id is new, as origin "source", and change nothing else. One transaction."""
        drawn = iter(items)
        insert: Any = _INSERT[self._engine.dialect.name](_ITEMS)
        with self._transaction() as connection:
            while batch := [_row(item, secrets.token_hex(8)) for item in islice(drawn, BATCH)]:
                connection.execute(insert.on_conflict_do_nothing(index_elements=["id"]), batch)

    def replace_source(self, items: Iterable[Item]) -> None:
        """Make these the items of origin "source": write them, and delete earlier ones not among them.

        Items of origin "api" stay, unless one of these has the same id. One transaction: readers see the old
        set until the new one is whole, and an error, also one raised by `items`, leaves the old. Other
        writers wait while `items` is drawn. Of two items of the same id, the later counts.
        """
        replacement = secrets.token_hex(8)
        upsert = _upsert(self._engine.dialect.name)
        drawn = iter(items)
        with self._transaction() as connection:
            while batch := [_row(item, replacement) for item in islice(drawn, BATCH)]:
                connection.execute(upsert, batch)
            earlier = sa.and_(_ITEMS.c.origin == "source", _ITEMS.c.replacement != replacement)
            connection.execute(sa.delete(_ITEMS).where(earlier))

    def close(self) -> None:
        """Close all connections; nothing may be asked afterwards."""
        self._engine.dispose()

    def _passes(self, chosen: Filter, without: Collection[str] = ()) -> sa.ColumnElement[bool]:
        return facets.matching(_ITEMS, self._engine.dialect.name, chosen, without)

    def _prepare_table(self) -> None:
        with self._transaction() as connection:
            if connection.dialect.name == "postgresql":  # whose IF NOT EXISTS fails when two create at once
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CREATION_LOCK)))
            connection.execute(sa.schema.CreateTable(_ITEMS, if_not_exists=True))
            found = {column["name"] for column in sa.inspect(connection).get_columns(_ITEMS.name)}
        if found != (expected := set(_ITEMS.columns.keys())):
            raise CatalogueError(
                f"{self._name} has a table items with the columns {sorted(found)}, not {sorted(expected)}; "
                "another program or version wrote it; name another database, or move it and publish again"
            )

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._failures(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise CatalogueError(
                f"{self._name} cannot be used ({reason}); see that its folder or server can be reached and "
                "written, and that it is a database; a damaged file can be moved away and published again"
            ) from error


def is_id(text: str) -> bool:
    """Whether an item can have this id: 1 to 128 printable characters."""
    return 1 <= len(text) <= ID_LENGTH and text.isprintable()


def _row(item: Item, replacement: str) -> dict[str, Any]:
    row = {field.name: getattr(item, field.name) for field in fields(Item)}
    row |= {"attributes": dict(item.attributes), "origin": "source", "replacement": replacement}
    try:  # what a database or a reader of JSON would refuse, refused with the item's name
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise CatalogueError(f"item {item.id!r} cannot be stored ({error}); mend it in its source") from error
    return row


def _upsert(dialect: str) -> Any:
    insert: Any = _INSERT[dialect](_ITEMS)
    new = {column.name: insert.excluded[column.name] for column in _ITEMS.columns if column.name != "id"}
    return insert.on_conflict_do_update(index_elements=["id"], set_=new)


def _engine(url: sa.URL) -> sa.Engine:
    kind = url.get_backend_name()
    if kind not in _INSERT:
        raise CatalogueError(f"a catalogue cannot be kept in {kind}; name a {' or '.join(_INSERT)} URL")
    # Callers bound their threads, so that no query need wait for a connection as well.
    pool = {"pool_size": POOL_SIZE, "max_overflow": -1}
    if kind == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **pool)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine
    try:
        return sa.create_engine(url, pool_pre_ping=True, **pool)
    except ImportError as error:
        raise CatalogueError(f"a catalogue in {kind} needs its database driver installed: {error}") from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver itself would begin transactions before writes only
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # what was committed survives a power cut


def _use_wal(connection: sqlite3.Connection) -> None:
    """Write ahead, so that readers and a writer do not wait for each other. The file remembers it.

    While another process does the same to a new file, SQLite says "busy" at once instead of waiting.
    """
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the lower byte is the primary code
            if not busy or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
