"""What every source gives: pictures with an id, a place, perhaps a label and attributes; and what it had to skip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from retrieval.catalogue import Description, id_fault
from retrieval.text import unprintable

Value = str | int | float | bool
Part = Literal["train", "validation", "test"]

PARTS: Mapping[str, Part] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "training": "train",
    "testing": "test",
}
"""What the parts of a publisher's split are called in folders and in CSV files."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a source, not yet opened. `path` is absolute; `part` is the publisher's own split."""

    id: str
    path: Path
    label: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    part: Part | None = None
    face: int = 1
    """Which of the faces in it is meant, where faces are compared: 1 is the largest."""
    source: Description | None = None
    """What its source says of it, where a person corrected that: see `trainer/run/corrections.py`."""
    row: str | None = None
    """The row of a table that names it, such as `shop.csv, row 7: cup.jpg`."""

    @property
    def place(self) -> str:
        """Where its owner looks for it: in a row of a table, or at its path."""
        return self.row or str(self.path)


@dataclass(frozen=True, slots=True)
class Skipped:
    """One picture that cannot be used, and why, in words for its owner."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All that a source holds, in a stable order. `notes` tell what was left out on purpose, and how much."""

    pictures: Sequence[Picture]
    skipped: Sequence[Skipped] = ()
    notes: Sequence[str] = ()


def refusal(picture: Picture) -> str | None:
    """Why the catalogue could not hold a picture; said now rather than after an hour of training."""
    if fault := id_fault(picture.id):
        return f"its id {fault}"
    if as_text(place := str(picture.path)) != place:
        return "its name holds bytes that are not text in UTF-8; rename it"
    if picture.label and (character := unprintable(picture.label)):
        return f"its label holds {character}, which cannot be printed"
    if any("\0" in text for item in picture.attributes.items() for text in item if isinstance(text, str)):
        return "an attribute holds a zero byte (U+0000)"
    return None


def as_text(text: str) -> str:
    """Text that can be stored and shown: what was not UTF-8 in a file name becomes question marks."""
    return text.encode("utf-8", "replace").decode()


def stable_id(place: str) -> str:
    """An item id that stays the same from run to run: 16 hex digits of the picture's place within its source."""
    return blake2b(place.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
