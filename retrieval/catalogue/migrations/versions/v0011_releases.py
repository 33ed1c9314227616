"""Releases: which bundle is live, and which ones were, where several servers share the database. Empty at first."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ENTRY = sa.String(32).with_variant(sa.String(32, "C"), "postgresql")


def upgrade() -> None:
    """Until something is published, what the file CURRENT of the artifacts folder names is live."""
    op.create_table(
        "live_bundle",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bundle", sa.String(100), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "releases",
        sa.Column("entry", ENTRY, primary_key=True),
        sa.Column("bundle", sa.String(100), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
