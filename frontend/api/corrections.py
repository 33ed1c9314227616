"""Client for corrections: many items described anew, what people say of matches, wrong labels, an item's history.

Each call raises ApiError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from frontend.api.client import checked_id, item_path
from frontend.api.connection import ApiRefused, Connection
from frontend.api.models import ApiModel, Attributes, Item, Problem

Verdict = Literal["right", "wrong"]
ENTRY_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Selected:
    """Items: those of these ids, or all that a filter lets through."""

    ids: Sequence[str] = ()
    filter: Mapping[str, Any] | None = None

    def fields(self) -> dict[str, Any]:
        """The fields of the API request."""
        if self.filter is not None:
            return {"filter": self.filter}
        return {"ids": [checked_id(item_id) for item_id in self.ids]}


class Changed(ApiModel):
    """How many items were meant, how many are different now, and the name by which that is undone."""

    matching: int = Field(ge=0)
    changed: int = Field(ge=0)
    change: str | None = None


class Deleted(ApiModel):
    """How many items went into the bin."""

    deleted: int = Field(ge=0)


class Said(ApiModel):
    """What was said of a match, by its name."""

    entry: str


class WrongLabel(ApiModel):
    """An item, and the label that its neighbours suggest."""

    item: Item
    suggested: str
    confidence: float = Field(ge=0, le=1)


class WrongLabels(ApiModel):
    """Items whose label is probably wrong, the surest first; `checked` is None where a run did not look."""

    checked: datetime | None
    listed: int = Field(ge=0)
    total: int = Field(ge=0)
    labels: list[WrongLabel]


class Known(ApiModel):
    """Label and attributes at one moment."""

    label: str | None
    attributes: Attributes


class Change(ApiModel):
    """One change of an item."""

    entry: str
    before: Known
    after: Known
    by: str | None = None
    undoes: str | None = None
    created: datetime


class History(ApiModel):
    """Some changes of an item, the latest first."""

    changes: list[Change]
    next: str | None = None

    @property
    def next_cursor(self) -> str | None:
        """Where the next page begins; None on the last one."""
        return next(iter(parse_qs(urlsplit(self.next or "").query).get("cursor", ())), None)


class CorrectionsClient:
    """Client for the corrections of one API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def change(self, selected: Selected, changes: Mapping[str, Any]) -> Changed:
        """Give all of these items a label or attributes, or none; None takes away."""
        response = self._connection.send("POST", "/items/change", json={**selected.fields(), **changes})
        return self._connection.read(Changed, response)

    def undo(self, change: str) -> Changed:
        """Give the items of a change what they had before it."""
        return self._connection.read(Changed, self._connection.send("POST", "/items/undo", json={"change": change}))

    def delete_matching(self, filter_: Mapping[str, Any]) -> int:
        """Move all that a filter lets through into the bin. Returns how many there were."""
        response = self._connection.send("POST", "/items/delete", json={"filter": filter_})
        return self._connection.read(Deleted, response).deleted

    def say(self, item: str, verdict: Verdict, *, of: str | None = None, sha256: str | None = None) -> str:
        """Say whether an item is a right match of another one (`of`) or of a picture. Returns the name of the entry."""
        query = {"id": checked_id(of)} if of is not None else {"sha256": sha256}
        body = {**query, "item": checked_id(item), "verdict": verdict}
        return self._connection.read(Said, self._connection.send("POST", "/feedback", json=body)).entry

    def take_back(self, entry: str) -> None:
        """Take back what was said."""
        params = {"entry": _checked_entry(entry)}
        self._connection.done(self._connection.send("DELETE", "/feedback", params=params))

    def wrong_labels(self, *, limit: int, offset: int = 0) -> WrongLabels:
        """Some of the items whose label is probably wrong."""
        params = {"limit": str(limit), "offset": str(offset)}
        return self._connection.read(WrongLabels, self._connection.send("GET", "/labels/wrong", params=params))

    def history(self, item_id: str, *, limit: int, cursor: str | None = None) -> History:
        """Some changes of an item, the latest first."""
        path = f"{item_path(item_id, '/history')}&limit={limit}"
        path += f"&cursor={_checked_entry(cursor)}" if cursor else ""
        return self._connection.read(History, self._connection.send("GET", path))

    def undo_item(self, item_id: str, entry: str | None = None) -> Item:
        """Undo a change of an item; without its name, the latest one."""
        body = {"id": checked_id(item_id)} | ({"entry": _checked_entry(entry)} if entry else {})
        return self._connection.read(Item, self._connection.send("POST", "/item/undo", json=body))


def _checked_entry(entry: str) -> str:
    """The name of an entry if it is possible. Raises ApiRefused."""
    if 0 < len(entry) <= 32 and ENTRY_DIGITS.issuperset(entry):
        return entry
    raise ApiRefused(Problem(title="There is no such entry", status=404, code="entry_missing"))
