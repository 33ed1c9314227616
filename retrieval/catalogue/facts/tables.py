"""The tables of what is derived from the items, and written in the same transaction as they are.

    facts     one row for the label and for each attribute of an item, in the order in which items are listed by them
    counts    how many items have which fact; those that nobody has are not there
    names     how many different values an attribute, or the label, has, and how many items have one
    journal   which items came, changed or went with which version, for the latest versions
    state     one row: the version, the next number of an item, and since which version the journal is whole
    words     the words of each item: see words.py
    completions, spellings    the words of labels and values, and what is left of them without some letters

`rebuild.py` makes all of it anew from the items.
"""

from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa

from retrieval.catalogue.facts.keys import key_of
from retrieval.catalogue.item import Attribute, Item
from retrieval.catalogue.table import ITEM_ID, METADATA
from retrieval.filters import LARGEST

NUMBER, TEXT, TRUTH, LABEL, ITEM_KIND = range(5)
"""Kinds of facts. Attributes are listed in the order of the first three; the last one counts the items."""
LABEL_NAME = ""
"""In place of the name of an attribute, for the label and the items; their kinds tell them from attributes."""


class Fact(NamedTuple):
    """What is known of an item: its attribute `name`, or its label. A truth value is the number 0 or 1."""

    name: str
    kind: int
    number: int | float
    text: str


ITEM_FACT = Fact(LABEL_NAME, ITEM_KIND, 0, "")
"""Of every item; counted, and not among the rows of facts."""


class _Numeric(sa.types.UserDefinedType[Any]):
    """Whole numbers of 64 bits as they are, others as floats: what SQLite makes of a number."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "NUMERIC"


_NUMBER: sa.Double[Any] = sa.Double().with_variant(_Numeric(), "sqlite")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ITEM_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

FACTS = sa.Table(
    "facts",
    METADATA,
    sa.Column("name", _TEXT, primary_key=True),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("text", _TEXT, primary_key=True),
    sa.Column("id", ITEM_ID, primary_key=True),
    sa.Column("item", _ITEM_NUMBER, nullable=False),
    sqlite_with_rowid=False,
)
COUNTS = sa.Table(
    "counts",
    METADATA,
    sa.Column("name", _TEXT, primary_key=True),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("text", _TEXT, primary_key=True),
    sa.Column("held", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
# The most frequent values, in the order in which they are told.
sa.Index("counts_held", COUNTS.c.name, COUNTS.c.held.desc(), COUNTS.c.kind, COUNTS.c.number, COUNTS.c.text)
NAMES = sa.Table(
    "names",
    METADATA,
    sa.Column("name", _TEXT, primary_key=True),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),  # see `kind_of_name`
    sa.Column("different", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
JOURNAL = sa.Table(
    "journal",
    METADATA,
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("item", _ITEM_NUMBER, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
STATE = sa.Table(
    "state",
    METADATA,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("catalogue", sa.String(32), nullable=False),  # tells this catalogue from all others
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("next_number", sa.BigInteger, nullable=False),
    sa.Column("journal_start", sa.BigInteger, nullable=False),
    sa.Column("stale", sa.SmallInteger, nullable=False),  # 1: what is derived must be made anew before it is read
)

COMPLETIONS = sa.Table(
    "completions",
    METADATA,
    sa.Column("word", _TEXT, primary_key=True),
    sa.Column("name", _TEXT, primary_key=True),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("text", _TEXT, primary_key=True),
    sqlite_with_rowid=False,
)
SPELLINGS = sa.Table(
    "spellings",
    METADATA,
    sa.Column("spelling", _TEXT, primary_key=True),
    sa.Column("word", _TEXT, primary_key=True),
    sqlite_with_rowid=False,
)

Facts: TypeAlias = list[Fact]


def kind_of_name(kind: int) -> int:
    """Under which kind a name stands in NAMES: the values of an attribute together, of whichever kinds they are."""
    return NUMBER if kind < LABEL else kind


def facts_of(item: Item, dialect: str) -> Facts:
    """The item's facts, as this database keeps them."""
    facts = [fact_of(name, value, dialect) for name, value in item.attributes.items()]
    if item.label is not None:
        facts.append(label_fact(item.label, dialect))
    return facts


def label_fact(label: str, dialect: str) -> Fact:
    return Fact(LABEL_NAME, LABEL, 0, key_of(label, dialect))


def fact_of(name: str, value: Attribute, dialect: str) -> Fact:
    """The fact that an attribute has a value."""
    key = key_of(name, dialect)
    if isinstance(value, bool):
        return Fact(key, TRUTH, int(value), "")
    if isinstance(value, str):
        return Fact(key, TEXT, 0, key_of(value, dialect))
    return Fact(key, NUMBER, comparable_number(value, dialect), "")


def fact_of_value(name: str | None, value: Attribute | None, dialect: str) -> Fact | None:
    """The fact that the attribute `name`, or the label where that is None, has a value; None for no value."""
    if value is None:
        return None
    return label_fact(str(value), dialect) if name is None else fact_of(name, value, dialect)


def name_key(name: str | None, dialect: str) -> tuple[str, int]:
    """The name and kind in NAMES of an attribute, or of the label where `name` is None."""
    return (LABEL_NAME, LABEL) if name is None else (key_of(name, dialect), NUMBER)


def comparable_number(value: int | float, dialect: str) -> int | float:
    """A number as the database compares it: beyond 64 bits, and in PostgreSQL always, as the nearest float."""
    if isinstance(value, int) and dialect == "sqlite" and abs(value) <= LARGEST:
        return value
    try:
        return float(value)
    except OverflowError:  # larger than any number of any kind
        return float("inf") if value > 0 else float("-inf")
