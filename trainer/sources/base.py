"""What every source gives: pictures with an id, a place, perhaps a label and attributes; and what it had to skip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a source, not yet opened. `path` is absolute."""

    id: str
    path: Path
    label: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """One picture that cannot be used, and why, in words for its owner."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All that a source holds, in a stable order."""

    pictures: Sequence[Picture]
    skipped: Sequence[Skipped] = ()


def stable_id(place: str) -> str:
    """An item id that stays the same from run to run: 16 hex digits of the picture's place within its source."""
    return blake2b(place.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
