"""The tables of items and of what is kept beside them; and how an item becomes a row.

As they are after the last migration: see schema.py. What is derived from the items is in facts/tables.py.
"""

import json
import secrets
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from retrieval.catalogue.item import ID_LENGTH, Item, Origin
from retrieval.errors import CatalogueError

BATCH = 500
"""Ids or rows in one statement; SQLite builds allow 999 variables and more."""

# Ordered by code points in both databases: collation "C" in PostgreSQL is what SQLite does anyway.
ITEM_ID = sa.String(ID_LENGTH).with_variant(sa.String(ID_LENGTH, "C"), "postgresql")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

METADATA = sa.MetaData()


def microseconds(moment: datetime) -> int:
    """Since 1970, UTC."""
    return (moment - EPOCH) // MICROSECOND


def first_entry(time: datetime) -> str:
    """What all names of entries from this time on follow, or equal: the microseconds since 1970 in hexadecimal."""
    return f"{max(0, microseconds(time)):014x}"


def new_entry(now: datetime) -> str:
    """A name for an entry of the bin, of feedback or of a history: it follows those of earlier times."""
    return first_entry(now) + secrets.token_hex(9)


def new_bulk(now: datetime) -> str:
    """A name for many entries of one moment: what all of their names begin with."""
    return first_entry(now) + secrets.token_hex(4)


def bulk_entry(bulk: str, place: int) -> str:
    """The name of an entry of a bulk: in the order of places, of which there are fewer than 2^40."""
    return f"{bulk}{place:010x}"


class Moment(sa.TypeDecorator[datetime]):
    """A time with its zone, kept as microseconds since 1970, UTC: in order and exact in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """As it is kept."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """As it is read."""
        return None if value is None else EPOCH + value * MICROSECOND


ITEMS = sa.Table(
    "items",
    METADATA,
    # Stands for an item and its picture in sets of items, and in a store of vectors. Never given twice: an item with
    # another picture gets another number.
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("id", ITEM_ID, nullable=False),
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
    sa.Column("created", Moment, nullable=False),
)
sa.Index("items_id", ITEMS.c.id, unique=True)
sa.Index("items_location", ITEMS.c.location)  # whether a file is still some item's
sa.Index("items_created", ITEMS.c.created, ITEMS.c.id)

REPLIES = sa.Table(
    "replies",
    METADATA,
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
)
sa.Index("replies_created", REPLIES.c.created)

# A row says that an item is in a set of which no two are duplicates: n rows, where all pairs would be n^2.
DISMISSALS = sa.Table(
    "dismissals",
    METADATA,
    sa.Column("dismissal", sa.String(32), primary_key=True),
    sa.Column("item", sa.String(ID_LENGTH), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("created", Moment, nullable=False),
)
sa.Index("dismissals_created", DISMISSALS.c.created, DISMISSALS.c.dismissal)

BIN = sa.Table(
    "bin",
    METADATA,
    sa.Column("entry", sa.String(32).with_variant(sa.String(32, "C"), "postgresql"), primary_key=True),
    sa.Column("item", sa.String(ID_LENGTH), nullable=False),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("deleted", Moment, nullable=False),
    sa.Column("deleted_by", sa.Text),
)
sa.Index("bin_item", BIN.c.item, BIN.c.entry)
sa.Index("bin_location", BIN.c.location)  # whether a file may still be wanted

FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("entry", sa.String(32).with_variant(sa.String(32, "C"), "postgresql"), primary_key=True),
    sa.Column("query_item", ITEM_ID),
    sa.Column("query_sha256", sa.String(64), nullable=False),
    sa.Column("item", ITEM_ID, nullable=False),
    sa.Column("item_sha256", sa.String(64), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("said_by", sa.Text),
    sa.Column("key_name", sa.Text),
    sa.Column("created", Moment, nullable=False),
)
sa.Index("feedback_item", FEEDBACK.c.item, FEEDBACK.c.entry)

HISTORY = sa.Table(
    "history",
    METADATA,
    sa.Column("entry", sa.String(32).with_variant(sa.String(32, "C"), "postgresql"), primary_key=True),
    sa.Column("item", ITEM_ID, nullable=False),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("after", sa.JSON, nullable=False),
    sa.Column("changed_by", sa.Text),
    sa.Column("undoes", sa.String(32).with_variant(sa.String(32, "C"), "postgresql")),
    sa.Column("created", Moment, nullable=False),
)
sa.Index("history_item", HISTORY.c.item, HISTORY.c.entry)

# Of items that people changed: what the source said of them. No row where nobody did.
CORRECTIONS = sa.Table(
    "corrections",
    METADATA,
    sa.Column("item", ITEM_ID, primary_key=True),
    sa.Column("label", sa.Text),
    sa.Column("attributes", sa.JSON, nullable=False),
)

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("job", sa.String(32).with_variant(sa.String(32, "C"), "postgresql"), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("step", sa.Text),
    sa.Column("done", sa.BigInteger),
    sa.Column("total", sa.BigInteger),
    sa.Column("outcome", sa.Text),
    sa.Column("asked_by", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(32)),
    sa.Column("lease", Moment),
    sa.Column("created", Moment, nullable=False),
    sa.Column("started", Moment),
    sa.Column("ended", Moment),
)
sa.Index("jobs_state", JOBS.c.state, JOBS.c.job)

ITEM = sa.select(*(ITEMS.c[field.name] for field in fields(Item)))
"""Rows of which `Item(*row)` makes items."""
NUMBERED = sa.select(ITEMS.c.number, *ITEM.selected_columns)
"""Rows of a number and an item."""
AMONG = ITEMS.c.id.in_(sa.bindparam("ids", expanding=True))
BY_ID = ITEM.where(AMONG)

KEPT = {"number", "id", "created"}
"""What stays of an item that is written again; but with another picture, it gets the new number."""

_INSERT = {"sqlite": sqlite_insert, "postgresql": postgresql_insert}


def insert(table: sa.Table, dialect: str) -> Any:
    """An INSERT that knows ON CONFLICT."""
    return _INSERT[dialect](table)


def upsert(dialect: str) -> Any:
    """An INSERT into the items that overwrites what has the same id, but not when it came."""
    statement = insert(ITEMS, dialect)
    new = {column.name: statement.excluded[column.name] for column in ITEMS.columns if column.name not in KEPT}
    same_picture = ITEMS.c.sha256 == statement.excluded.sha256
    new["number"] = sa.case((same_picture, ITEMS.c.number), else_=statement.excluded.number)
    return statement.on_conflict_do_update(index_elements=["id"], set_=new)


def row(item: Item, origin: Origin, replacement: str | None = None) -> dict[str, Any]:
    """The item as a row without its number. Raises CatalogueError for what no database can hold."""
    values = {field.name: getattr(item, field.name) for field in fields(Item) if field.name != "created"}
    values |= {"attributes": dict(item.attributes), "origin": origin, "replacement": replacement}
    try:  # what a database or a reader of JSON would refuse, refused with the item's name
        json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise CatalogueError(f"item {item.id!r} cannot be stored ({error}); mend it in its source") from error
    return values | {"created": item.created}
