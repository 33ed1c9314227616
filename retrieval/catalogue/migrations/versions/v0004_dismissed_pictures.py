"""Dismissals say which pictures were looked at, not only under which ids, and when that was.

Of those that are there already: the pictures that the items have at this upgrade, and its time. What an item that is no
more was dismissed with is forgotten, as nobody knows its picture.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

items = sa.table("items", sa.column("id"), sa.column("sha256"))


def upgrade() -> None:
    """Into a new table, as SQLite cannot add columns without a default."""
    op.rename_table("dismissals", "old_dismissals")
    new = op.create_table(
        "dismissals",
        sa.Column("dismissal", sa.String(32), primary_key=True),
        sa.Column("item", sa.String(128), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    former = sa.table("old_dismissals", sa.column("dismissal"), sa.column("item"))
    known = (
        sa.select(former.c.dismissal, former.c.item, items.c.sha256, sa.literal(time.time_ns() // 1000, sa.BigInteger))
        .select_from(former)
        .join(items, items.c.id == former.c.item)
    )
    op.execute(sa.insert(new).from_select(["dismissal", "item", "sha256", "created"], known))
    op.drop_table("old_dismissals")
    op.create_index("dismissals_created", "dismissals", ["created", "dismissal"])
