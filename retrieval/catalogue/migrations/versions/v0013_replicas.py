"""Leases, replicas and rates: what servers that share a database know of each other. Empty at first."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

NAME = sa.String(200)


def upgrade() -> None:
    """Times are microseconds since 1970, by the clock of the database."""
    op.create_table(
        "leases",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "replicas",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "rates",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("spent", sa.Double, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
