"""The bin: items that were deleted, as they were, until they are restored or their time is over. Empty at first."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A table of its own: nothing that reads items can meet a deleted one.

    `entry` is a random name, as one id can be deleted more than once; `content` is what is known of the item, and
    `location` its picture, which stays as long as the entry does. Times are microseconds since 1970.
    """
    op.create_table(
        "bin",
        sa.Column("entry", sa.String(32).with_variant(sa.String(32, "C"), "postgresql"), primary_key=True),
        sa.Column("item", sa.String(128), nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.BigInteger, nullable=False),
        sa.Column("deleted_by", sa.Text),
    )
    op.create_index("bin_item", "bin", ["item", "entry"])
    op.create_index("bin_location", "bin", ["location"])
