"""Duplicates over HTTP: the groups of a tier, or how far the search for them is. Each call raises ApiError."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from frontend.api.connection import Connection
from frontend.api.models import ApiModel, Item

Tier = Literal["identical", "same_picture", "same_thing"]


class Group(ApiModel):
    """Items that are one picture or one thing, and which of them is worth keeping, and why."""

    keep: str
    why: str
    members: list[Item]
    probability: float | None = Field(default=None, ge=0, le=1)


class DuplicateGroups(ApiModel):
    """Some groups of a tier. `stale`: the catalogue has changed since."""

    state: Literal["done"]
    stale: bool
    found_at: datetime
    unreadable: int = Field(default=0, ge=0)
    total_groups: int = Field(ge=0)
    groups: list[Group]
    next: str | None = None


class DuplicateSearch(ApiModel):
    """How far the search is; `total` is 0 until it is known."""

    state: Literal["running"]
    step: str = ""
    done: int = Field(ge=0)
    total: int = Field(ge=0)


class DuplicatesClient:
    """What one API knows of duplicates."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def groups(self, tier: Tier, *, offset: int, limit: int) -> DuplicateGroups | DuplicateSearch:
        """Some groups. The first call begins the search for them."""
        params = {"tier": tier, "offset": str(offset), "limit": str(limit)}
        response = self._connection.send("GET", "/duplicates", params=params)
        if response.status_code == 202:
            return self._connection.read(DuplicateSearch, response)
        return self._connection.read(DuplicateGroups, response)

    def refresh(self) -> None:
        """Begin the search anew."""
        self._connection.done(self._connection.send("POST", "/duplicates/refresh"))

    def dismiss(self, ids: Sequence[str]) -> None:
        """No two of these are to be found together again."""
        self._connection.done(self._connection.send("POST", "/duplicates/dismissed", json={"ids": list(ids)}))
