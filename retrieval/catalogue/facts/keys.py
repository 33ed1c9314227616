"""Texts as keys of an index. PostgreSQL's take 2,700 bytes a row, SQLite's any length.

There, a long text is kept as its first characters and its digest: equal texts have equal keys, and the order of keys is
that of texts, but for two long ones that begin alike.
"""

from hashlib import sha256

import sqlalchemy as sa

MAX_CHARACTERS = 200
"""Of 4 bytes at most: a row of a name, a text and an id stays below 2,300 bytes."""
MARK = "\U0010ffff"
"""Between the two parts of the key of a long text: behind every other character, and itself in no text."""


def key_of(text: str, dialect: str) -> str:
    """The text as it stands in an index."""
    if dialect == "sqlite" or len(text) <= MAX_CHARACTERS:
        return text
    return f"{text[:MAX_CHARACTERS]}{MARK}{sha256(text.encode()).hexdigest()}"


def is_short(key: str) -> bool:
    """Whether a key is the text itself."""
    return len(key) <= MAX_CHARACTERS or key[MAX_CHARACTERS] != MARK


def key_in_sql(text: sa.ColumnElement[str], dialect: str) -> sa.ColumnElement[str]:
    """What `key_of` says, of a column."""
    if dialect == "sqlite":
        return text
    digest = sa.func.encode(sa.func.sha256(sa.func.convert_to(text, "UTF8")), "hex")
    key = sa.func.left(text, MAX_CHARACTERS).op("||")(MARK).op("||")(digest)
    return sa.case((sa.func.length(text) > MAX_CHARACTERS, key), else_=text)
