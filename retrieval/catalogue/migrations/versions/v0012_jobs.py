"""Jobs: long work that the API asks for and a worker does. Empty at first."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """A running job is a worker's until its lease ends; times are microseconds."""
    op.create_table(
        "jobs",
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
        sa.Column("lease", sa.BigInteger),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("started", sa.BigInteger),
        sa.Column("ended", sa.BigInteger),
    )
    op.create_index("jobs_state", "jobs", ["state", "job"])
