"""Feedback: what people said of a picture and an item. It says of which pictures, and stays when the items go."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.table import FEEDBACK, new_entry

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
