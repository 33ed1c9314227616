"""Items have numbers, and what is derived from them has tables of its own: facts, counts, and a journal of changes.

The derived tables are filled from the items when the upgrade is done, as they are after a restored backup.
"""

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ITEM_ID = sa.String(128).with_variant(sa.String(128, "C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


class Numeric(sa.types.UserDefinedType):  # type: ignore[type-arg]
    """A column of SQLite that keeps whole numbers and floats as they are."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        return "NUMERIC"


VALUE: sa.Double[Any] = sa.Double().with_variant(Numeric(), "sqlite")
COPIED = (
    "id, location, sha256, media_type, width, height, label, attributes, origin, replacement, created"  # in this order
)


def upgrade() -> None:
    """The items into a new table, as SQLite cannot change a primary key; numbered in the order in which they came."""
    op.create_table(
        "numbered_items",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("id", ITEM_ID, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("replacement", sa.String(16)),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.execute(
        f"INSERT INTO numbered_items (number, {COPIED}) "  # noqa: S608
        f"SELECT ROW_NUMBER() OVER (ORDER BY created, id), {COPIED} FROM items"
    )
    op.drop_table("items")
    op.rename_table("numbered_items", "items")
    op.create_index("items_id", "items", ["id"], unique=True)
    op.create_index("items_location", "items", ["location"])
    op.create_index("items_created", "items", ["created", "id"])
    _create_derived()


def _create_derived() -> None:
    op.create_table(
        "facts",
        *_value_columns(),
        sa.Column("id", ITEM_ID, primary_key=True),
        sa.Column("item", NUMBER, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counts",
        *_value_columns(),
        sa.Column("held", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("counts_held", "counts", ["name", sa.text("held DESC"), "kind", "number", "text"])
    op.create_table(
        "names",
        *_value_columns()[:2],
        sa.Column("different", sa.BigInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("item", NUMBER, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    state = op.create_table(
        "state",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("catalogue", sa.String(32), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("next_number", sa.BigInteger, nullable=False),
        sa.Column("journal_start", sa.BigInteger, nullable=False),
        sa.Column("stale", sa.SmallInteger, nullable=False),
    )
    connection = op.get_bind()
    last = connection.execute(sa.text("SELECT coalesce(max(number), 0) FROM items")).scalar_one()
    first = {"id": 1, "catalogue": secrets.token_hex(16), "version": 0, "journal_start": 0, "stale": 1}
    connection.execute(sa.insert(state).values(**first, next_number=last + 1))


def _value_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("number", VALUE, primary_key=True, autoincrement=False),
        sa.Column("text", TEXT, primary_key=True),
    ]
