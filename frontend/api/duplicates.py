"""Client for duplicates: groups of a tier, or the progress of the search. Each call raises ApiError."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from frontend.api.connection import ApiRefused, Connection
from frontend.api.models import ApiModel, Item, Problem

DISMISSAL_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")

Tier = Literal["identical", "same_picture", "same_thing"]


class GroupFile(ApiModel):
    """What the file of a member is like; `mirrored`: compared with the one to keep."""

    bytes: int = Field(ge=0)
    written: datetime | None = None
    mirrored: bool = False
    lossless: bool = False
    camera_data: bool = False
    colour_profile: bool = False


class Group(ApiModel):
    """Items that show one picture or one thing; `keep` is the id of the best one, `why` the reason.

    `files` has an entry for each member, in the same order; an older API sends none.
    """

    keep: str
    why: str
    reasons: list[str] = Field(default_factory=list)
    """The same as codes; an older API sends none."""
    members: list[Item]
    files: list[GroupFile] = Field(default_factory=list)
    probability: float | None = Field(default=None, ge=0, le=1)

    @property
    def cards(self) -> list[tuple[Item, GroupFile | None]]:
        """The members with their files, the one to keep first."""
        files = self.files if len(self.files) == len(self.members) else [None] * len(self.members)
        return sorted(zip(self.members, files, strict=True), key=lambda card: card[0].id != self.keep)

    @property
    def usual_label(self) -> str | None:
        """The label that more than half of the members have."""
        labels = Counter(item.label for item in self.members if item.label is not None)
        label, count = next(iter(labels.most_common(1)), (None, 0))
        return label if 2 * count > len(self.members) else None


class DuplicateGroups(ApiModel):
    """A page of groups of a tier. `stale`: the catalogue has changed since the search. `totals`: of all tiers."""

    state: Literal["done"]
    stale: bool
    found_at: datetime
    unreadable: int = Field(default=0, ge=0)
    total_groups: int = Field(ge=0)
    totals: dict[Tier, int | None] = Field(default_factory=dict)
    groups: list[Group]
    next: str | None = None


class DuplicateSearch(ApiModel):
    """Progress of the search; `total` is 0 until it is known."""

    state: Literal["running"]
    step: str = ""
    done: int = Field(ge=0)
    total: int = Field(ge=0)


class Dismissal(ApiModel):
    """Items that are no duplicates of each other; `gone` of them were deleted or have another picture since."""

    id: str = Field(pattern=DISMISSAL_ID)
    created: datetime
    items: list[Item]
    gone: int = Field(default=0, ge=0)


class Dismissals(ApiModel):
    """A page of dismissals, newest first."""

    dismissals: list[Dismissal]
    total: int = Field(ge=0)
    next: str | None = None


class DuplicatesClient:
    """Client for the duplicates of one API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def groups(self, tier: Tier, *, offset: int, limit: int) -> DuplicateGroups | DuplicateSearch:
        """A page of groups; of the same thing, those of several labels or none. The first call starts the search."""
        params = {"tier": tier, "labels": "different", "offset": str(offset), "limit": str(limit)}
        response = self._connection.send("GET", "/duplicates", params=params)
        if response.status_code == 202:
            return self._connection.read(DuplicateSearch, response)
        return self._connection.read(DuplicateGroups, response)

    def merge(self, keep: str, delete: Sequence[str]) -> None:
        """Keep an item with what is known of all, and delete its copies. All of it or nothing."""
        body = {"keep": keep, "delete": list(delete)}
        self._connection.done(self._connection.send("POST", "/duplicates/merge", json=body))

    def refresh(self) -> None:
        """Start a new search."""
        self._connection.done(self._connection.send("POST", "/duplicates/refresh"))

    def dismiss(self, ids: Sequence[str]) -> None:
        """These items are no duplicates of each other."""
        self._connection.done(self._connection.send("POST", "/duplicates/dismissed", json={"ids": list(ids)}))

    def dismissals(self, *, offset: int, limit: int) -> Dismissals:
        """A page of dismissals, newest first."""
        params = {"offset": str(offset), "limit": str(limit)}
        return self._connection.read(Dismissals, self._connection.send("GET", "/duplicates/dismissed", params=params))

    def undo_dismissal(self, dismissal_id: str) -> None:
        """The items of this dismissal may be reported together again."""
        if not DISMISSAL_ID.fullmatch(dismissal_id):
            raise ApiRefused(Problem(title="There is no such dismissal", status=404, code="dismissal_missing"))
        self._connection.done(self._connection.send("DELETE", f"/duplicates/dismissed/{dismissal_id}"))
