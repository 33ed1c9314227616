"""Words search items: of their ids, labels and attributes, and of the values that complete a text.

The tables are filled from the items when the upgrade is done.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# The words are made by retrieval.words; of them, FTS5 keeps which items have them, and not where.
FTS5 = """
    CREATE VIRTUAL TABLE words USING fts5(
        item_words, detail = none, columnsize = 0, prefix = '2 3',
        tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
    )
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(FTS5)
    else:
        op.execute("CREATE TABLE words (item bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX words_words ON words USING gin (words)")
    op.create_table(
        "completions",
        sa.Column("word", TEXT, primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("text", TEXT, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "spellings",
        sa.Column("spelling", TEXT, primary_key=True),
        sa.Column("word", TEXT, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.execute("UPDATE state SET stale = 1")
