"""Client for the bin: deleted items, restored or deleted for good. Each call raises ApiError."""

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from frontend.api.client import checked_id, is_raster_image
from frontend.api.connection import ApiInvalidAnswer, ApiRefused, Connection, File
from frontend.api.models import ApiModel, Item, Problem

ENTRY = re.compile(r"[0-9A-Za-z_-]{1,64}")


class BinEntry(Item):
    """A deleted item; `entry` is its name in the bin, `ends` when it is deleted for good."""

    entry: str = Field(pattern=ENTRY)
    deleted: datetime
    deleted_by: str | None = None
    ends: datetime


class BinPage(ApiModel):
    """A page of entries, the latest first; `days` is how long an entry stays."""

    entries: list[BinEntry]
    total: int = Field(ge=0)
    days: int = Field(ge=0)
    next: str | None = None

    @property
    def next_cursor(self) -> str | None:
        """Where the next page begins; None on the last one."""
        cursors = parse_qs(urlsplit(self.next or "").query).get("cursor")
        return cursors[0] if cursors else None


class Restored(ApiModel):
    """How many items exist again."""

    restored: int = Field(ge=0)


class Deleted(ApiModel):
    """How many entries were deleted for good."""

    deleted: int = Field(ge=0)


class BinClient:
    """Client for the bin of one API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, *, limit: int, cursor: str | None = None) -> BinPage:
        """A page of entries, from a cursor on."""
        params = {"limit": str(limit)} | ({"cursor": checked_entry(cursor)} if cursor else {})
        return self._connection.read(BinPage, self._connection.send("GET", "/bin", params=params))

    def restore(self, entries: Sequence[str]) -> int:
        """Restore all of these entries, or none. Returns how many there are."""
        body = {"entries": [checked_entry(entry) for entry in entries]}
        return self._connection.read(Restored, self._connection.send("POST", "/bin/restore", json=body)).restored

    def restore_items(self, ids: Sequence[str]) -> int:
        """Restore all of these items, each as it was deleted last, or none. Returns how many there are."""
        body = {"ids": [checked_id(item_id) for item_id in ids]}
        return self._connection.read(Restored, self._connection.send("POST", "/bin/restore", json=body)).restored

    def delete(self, entries: Sequence[str]) -> int:
        """Delete these entries for good, all or none. Returns how many there are."""
        body = {"entries": [checked_entry(entry) for entry in entries]}
        return self._connection.read(Deleted, self._connection.send("POST", "/bin/delete", json=body)).deleted

    def empty(self) -> int:
        """Delete all entries for good. Returns how many there were."""
        return self._connection.read(Deleted, self._connection.send("DELETE", "/bin")).deleted

    def thumbnail(self, entry: str, size: int, if_none_match: str | None) -> File:
        """The picture of an entry, at most `size` pixels wide and high."""
        file = self._connection.file(f"/bin/thumbnail?entry={checked_entry(entry)}&size={size}", if_none_match)
        media_type = file.headers.get("Content-Type", "")
        if file.status == 200 and not is_raster_image(media_type):
            file.close()
            raise ApiInvalidAnswer(f"the thumbnail of an entry is {media_type!r}, not a picture")
        return file


def checked_entry(entry: str) -> str:
    """The name of an entry if it is possible. Raises ApiRefused."""
    if ENTRY.fullmatch(entry):
        return entry
    raise ApiRefused(Problem(title="There is no such entry in the bin", status=404, code="entry_missing"))
