"""Feedback: what people said of pictures and items, in the order in which they said it. Empty at first."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ITEM_ID = sa.String(128).with_variant(sa.String(128, "C"), "postgresql")


def upgrade() -> None:
    """Items and pictures are named by what they were then: feedback stays when they go. Times are microseconds."""
    op.create_table(
        "feedback",
        sa.Column("entry", sa.String(32).with_variant(sa.String(32, "C"), "postgresql"), primary_key=True),
        sa.Column("query_item", ITEM_ID),
        sa.Column("query_sha256", sa.String(64), nullable=False),
        sa.Column("item", ITEM_ID, nullable=False),
        sa.Column("item_sha256", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("said_by", sa.Text),
        sa.Column("key_name", sa.Text),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_index("feedback_item", "feedback", ["item", "entry"])
