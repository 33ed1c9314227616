"""History: how labels and attributes of items were changed, by whom and when. Empty at first."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

ENTRY = sa.String(32).with_variant(sa.String(32, "C"), "postgresql")
ITEM_ID = sa.String(128).with_variant(sa.String(128, "C"), "postgresql")


def upgrade() -> None:
    """`before` and `after` are a label and attributes as JSON; `undoes` is the entry that a change has undone."""
    op.create_table(
        "history",
        sa.Column("entry", ENTRY, primary_key=True),
        sa.Column("item", ITEM_ID, nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
        sa.Column("changed_by", sa.Text),
        sa.Column("undoes", ENTRY),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_index("history_item", "history", ["item", "entry"])
