"""All that is derived from the items, made anew: after an upgrade, a restored backup, or a trainer's new items."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from retrieval.catalogue.facts.keys import key_in_sql
from retrieval.catalogue.facts.tables import (
    COUNTS,
    FACTS,
    ITEM_KIND,
    JOURNAL,
    LABEL,
    LABEL_NAME,
    NAMES,
    NUMBER,
    STATE,
    TEXT,
    TRUTH,
)
from retrieval.catalogue.facts.text.completions import completion_differences, rebuild_completions
from retrieval.catalogue.facts.text.index import item_words, read_words, write_words
from retrieval.catalogue.item import Item
from retrieval.catalogue.table import BATCH, ITEMS, NUMBERED
from retrieval.filters import LARGEST

COLUMNS = ("name", "kind", "number", "text", "id", "item")
VALUE = ("name", "kind", "number", "text")
DIFFERENCE = "{missing} rows of the table {table} are missing, and {wrong} should not be there"


def rebuild(connection: sa.Connection) -> None:
    """Within a transaction that nobody else writes beside: facts and counts from the items, and a new version."""
    for table in (FACTS, COUNTS, NAMES, JOURNAL):
        connection.execute(sa.delete(table))
    connection.execute(sa.insert(FACTS).from_select(COLUMNS, all_facts(connection.dialect.name)))
    connection.execute(sa.insert(COUNTS).from_select([*VALUE, "held"], all_counts()))
    connection.execute(sa.insert(NAMES).from_select(["name", "kind", "different", "held"], all_names()))
    rebuild_completions(connection)
    _rebuild_words(connection)
    last = sa.select(sa.func.coalesce(sa.func.max(ITEMS.c.number), 0)).scalar_subquery()
    next_number = sa.case((STATE.c.next_number > last, STATE.c.next_number), else_=last + 1)
    version = STATE.c.version + 1
    connection.execute(
        sa.update(STATE).values(version=version, journal_start=version, next_number=next_number, stale=0)
    )


def _rebuild_words(connection: sa.Connection) -> None:
    connection.execute(sa.text("DELETE FROM words"))
    for batch in _items_by_number(connection):
        write_words(connection, list(batch.items()))


def _items_by_number(connection: sa.Connection) -> Iterator[dict[int, str]]:
    """The words of all items by number, some at a time."""
    last = 0
    some = NUMBERED.where(ITEMS.c.number > sa.bindparam("last")).order_by(ITEMS.c.number).limit(BATCH)
    while rows := connection.execute(some, {"last": last}).all():
        yield {row.number: item_words(Item(*row[1:])) for row in rows}
        last = rows[-1].number


def _word_differences(connection: sa.Connection) -> tuple[int, int]:
    """How many rows of the words are missing, and how many should not be there; a wrong one is both."""
    missing, wrong, start = 0, 0, 0
    for batch in (*_items_by_number(connection), {LARGEST: ""}):
        expected = {number: frozenset(words.split()) for number, words in batch.items() if number != LARGEST}
        stored = read_words(connection, start, max(batch))
        missing += sum(stored.get(number) != words for number, words in expected.items())
        wrong += sum(expected.get(number) != words for number, words in stored.items())
        start = max(batch) + 1
    return missing, wrong


def all_facts(dialect: str, *, ordered: bool = True) -> sa.Select[Any]:
    """The facts of all items; `ordered` as they are kept, in which they are written fastest."""
    members = _sqlite_members() if dialect == "sqlite" else _postgresql_members()
    label = sa.select(
        sa.literal(LABEL_NAME).label("name"),
        sa.literal(LABEL).label("kind"),
        sa.literal(0).label("number"),
        key_in_sql(ITEMS.c.label, dialect).label("text"),
        ITEMS.c.id.label("id"),
        ITEMS.c.number.label("item"),
    ).where(ITEMS.c.label.is_not(None))
    every = sa.union_all(members, label).subquery()
    rows = sa.select(*(every.c[name] for name in COLUMNS))
    return rows.order_by(*(every.c[name] for name in COLUMNS[:5])) if ordered else rows


def all_counts() -> sa.Select[Any]:
    """How many items have each fact, from the facts."""
    key = [FACTS.c[name] for name in VALUE]
    items = sa.select(
        sa.literal(LABEL_NAME), sa.literal(ITEM_KIND), sa.literal(0), sa.literal(""), sa.func.count().label("held")
    ).select_from(ITEMS)
    counted = sa.select(*key, sa.func.count().label("held")).group_by(*key)
    every = sa.union_all(counted, items.having(sa.func.count() > 0)).subquery()
    return sa.select(every)


def all_names() -> sa.Select[Any]:
    """How many different values each attribute and the label has, and how many items have one, from the counts."""
    kind = sa.case((COUNTS.c.kind < LABEL, NUMBER), else_=COUNTS.c.kind)
    counted = (COUNTS.c.name, kind, sa.func.count(), sa.func.sum(COUNTS.c.held))
    return sa.select(*counted).group_by(COUNTS.c.name, kind)


def _sqlite_members() -> sa.Select[Any]:
    member = sa.func.json_each(ITEMS.c.attributes).table_valued("key", "value", "type")
    is_text, is_truth = member.c.type == "text", member.c.type.in_(("true", "false"))
    return sa.select(
        member.c.key.label("name"),
        sa.case((is_text, TEXT), (is_truth, TRUTH), else_=NUMBER).label("kind"),
        sa.case((is_text, 0), else_=member.c.value).label("number"),
        sa.case((is_text, member.c.value), else_="").label("text"),
        ITEMS.c.id.label("id"),
        ITEMS.c.number.label("item"),
    ).select_from(ITEMS.join(member, sa.true()))


def _postgresql_members() -> sa.Select[Any]:
    member = sa.func.json_each(ITEMS.c.attributes).table_valued("key", "value").render_derived()
    kind = sa.func.json_typeof(member.c.value)
    # The value without its quotes. CASE keeps PostgreSQL from casting what is of another kind.
    value = sa.cast(member.c.value.op("#>>")(sa.literal_column("'{}'")), sa.Text)
    number = sa.case(
        (kind == "number", sa.cast(value, sa.Double)),
        (kind == "boolean", sa.cast(sa.cast(sa.cast(value, sa.Boolean), sa.Integer), sa.Double)),
        else_=0.0,
    )
    key = key_in_sql(member.c.key, "postgresql")
    return sa.select(
        key.label("name"),
        sa.case((kind == "string", TEXT), (kind == "boolean", TRUTH), else_=NUMBER).label("kind"),
        number.label("number"),
        sa.case((kind == "string", key_in_sql(value, "postgresql")), else_="").label("text"),
        ITEMS.c.id.label("id"),
        ITEMS.c.number.label("item"),
    ).select_from(ITEMS.join(member, sa.true()))


def differences(connection: sa.Connection) -> list[str]:
    """What of the derived tables is not what the items say, a sentence for each table; reads all of them."""
    dialect = connection.dialect.name
    facts = [FACTS.c[name] for name in COLUMNS]
    counts = [COUNTS.c[name] for name in (*VALUE, "held")]
    names = [NAMES.c[name] for name in ("name", "kind", "different", "held")]
    expected = {"facts": all_facts(dialect, ordered=False), "counts": all_counts(), "names": all_names()}
    faults = []
    derived = {"words": _word_differences(connection)} | completion_differences(connection)
    for table, (missing, wrong) in derived.items():
        if missing or wrong:
            faults.append(DIFFERENCE.format(missing=missing, table=table, wrong=wrong))
    for table, columns in (("facts", facts), ("counts", counts), ("names", names)):
        stored = sa.select(*columns)
        missing = _count(connection, sa.except_(expected[table], stored))
        wrong = _count(connection, sa.except_(stored, expected[table]))
        if missing or wrong:
            faults.append(DIFFERENCE.format(missing=missing, table=table, wrong=wrong))
    return faults


def _count(connection: sa.Connection, rows: Any) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(rows.subquery())).scalar_one())
