"""Feedback: what people said of a picture and an item. It says of which pictures, and stays when the items go."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.table import BATCH, FEEDBACK, new_entry

Verdict: TypeAlias = Literal["right", "wrong", "same", "different"]
"""Of a hit of a search: right or wrong. Of two pictures: they show the same, or something different."""
VERDICTS = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was said of the picture `query_sha256`, of the item `query_item` if it was one, and of an item."""

    entry: str
    """Its name; names are in the order of time."""
    query_item: str | None
    query_sha256: str
    item: str
    item_sha256: str
    """The SHA-256 of the item's picture at that time."""
    verdict: Verdict
    said_by: str | None
    """The person, as the client says; None where it does not."""
    key_name: str | None
    """The name of the key that it was sent with; None where there are no keys."""
    created: datetime


COLUMNS = [FEEDBACK.c[field.name] for field in fields(Feedback)]


class FeedbackReader:
    """What can be asked of the feedback. Every method raises CatalogueError where the database cannot answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, *, limit: int, before: str | None = None, item: str | None = None) -> list[Feedback]:
        """The latest first, of one item or of all; or those that come after the entry `before` in this order."""
        query = sa.select(*COLUMNS).order_by(FEEDBACK.c.entry.desc()).limit(limit)
        if before is not None:
            query = query.where(FEEDBACK.c.entry < before)
        if item is not None:
            query = query.where(FEEDBACK.c.item == item)
        with self._database.transaction() as connection:
            return [Feedback(*row) for row in connection.execute(query)]

    def confirmed(self, items: Collection[str]) -> set[tuple[str, str]]:
        """Of which of these items, and of which pictures of theirs by SHA-256, it was said that they are right as they
        are: `right` of an item and itself."""
        query = sa.select(FEEDBACK.c.item, FEEDBACK.c.item_sha256).where(
            FEEDBACK.c.item.in_(sa.bindparam("items", expanding=True)),
            FEEDBACK.c.query_item == FEEDBACK.c.item,
            FEEDBACK.c.verdict == "right",
        )
        listed = list(items)
        with self._database.transaction() as connection:
            return {
                (row.item, row.item_sha256)
                for start in range(0, len(listed), BATCH)
                for row in connection.execute(query, {"items": listed[start : start + BATCH]})
            }


class FeedbackChanges:
    """What can be done to the feedback in one transaction; `Changes.feedback` has it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(
        self,
        *,
        query_item: str | None,
        query_sha256: str,
        item: str,
        item_sha256: str,
        verdict: Verdict,
        said_by: str | None,
        key_name: str | None,
    ) -> Feedback:
        """Keep what is said now."""
        now = datetime.now(UTC)
        feedback = Feedback(
            new_entry(now), query_item, query_sha256, item, item_sha256, verdict, said_by, key_name, now
        )
        values = {field.name: getattr(feedback, field.name) for field in fields(Feedback)}
        self._connection.execute(sa.insert(FEEDBACK).values(values))
        return feedback

    def take_back(self, entry: str) -> bool:
        """Forget what was said. Returns whether there was such an entry."""
        return self._connection.execute(sa.delete(FEEDBACK).where(FEEDBACK.c.entry == entry)).rowcount > 0
