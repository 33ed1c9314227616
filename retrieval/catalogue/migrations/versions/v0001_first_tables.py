"""The tables of Lookalike 0.1.0: items, replies and dismissals.

Databases from before there were versions have some or all of them already, and get those that they lack.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ITEM_ID = sa.String(128).with_variant(sa.String(128, "C"), "postgresql")


def upgrade() -> None:
    """Make what is missing."""
    op.create_table(
        "items",
        sa.Column("id", ITEM_ID, primary_key=True),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("replacement", sa.String(16)),
        if_not_exists=True,
    )
    op.create_index("items_location", "items", ["location"], if_not_exists=True)
    op.create_table(
        "replies",
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("replies_created", "replies", ["created"], if_not_exists=True)
    op.create_table(
        "dismissals",
        sa.Column("dismissal", sa.String(32), primary_key=True),
        sa.Column("item", sa.String(128), primary_key=True),
        if_not_exists=True,
    )
