"""What an item is: one row of the catalogue, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from re import split
from typing import Literal, TypeAlias
from urllib.parse import unquote

from retrieval.errors import CatalogueError
from retrieval.text import nfc, normal, unprintable

Attribute: TypeAlias = str | int | float | bool
Origin: TypeAlias = Literal["source", "api"]

ID_LENGTH = 128  # characters


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of the catalogue. `width` and `height` in pixels, as the picture is seen.

    `location` is the picture's file, absolute or relative to the artifacts folder. `origin` is "source" for
    what a training run wrote, "api" for what was added later. `created` is when it came into the catalogue, UTC: of
    an item that is written again, the catalogue keeps the first time. Two items that differ in nothing else are equal.
    Raises CatalogueError for an id that is not 1 to 128 printable characters.
    """

    id: str
    location: str
    sha256: str
    media_type: str
    width: int
    height: int
    label: str | None
    attributes: Mapping[str, Attribute]
    origin: Origin
    created: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    def __post_init__(self) -> None:
        if not is_id(self.id):
            raise CatalogueError(f"{self.id!r} cannot be an item's id; give it 1 to {ID_LENGTH} printable characters")


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of an item at one moment."""

    label: str | None
    attributes: Mapping[str, Attribute]

    @classmethod
    def of(cls, item: Item) -> "Description":
        """An item's own."""
        return cls(item.label, dict(item.attributes))

    def on(self, item: Item) -> Item:
        """The item with this description."""
        return replace(item, label=self.label, attributes=self.attributes)


def is_id(text: str) -> bool:
    """Whether an item can have this id: 1 to 128 printable characters. What `new_id` refuses may be there of old."""
    return 1 <= len(text) <= ID_LENGTH and not unprintable(text)


def new_id(text: str) -> str:
    """The id that an item is given for `text`: composed (NFC), or else as it is. Raises ValueError: see `id_fault`."""
    if fault := id_fault(text):
        raise ValueError(f"the id {fault}")
    return nfc(text)


def _decoded(text: str) -> str:
    """A text without escapes such as %2e, as it is behind however many proxies that decode addresses."""
    while (decoded := unquote(text)) != text:
        text = decoded
    return text


def id_fault(text: str) -> str | None:
    """What keeps `text` from being a new id, to be read after "its id"; None when nothing does.

    Ids stand in the paths of addresses, where proxies and browsers resolve `.` and `..`, also escaped as `%2e`, and
    fold `//`; and people compare them by eye.
    """
    text = nfc(text)
    segments = split(r"[/\\]", text)
    if not 1 <= len(text) <= ID_LENGTH:
        return f"is not 1 to {ID_LENGTH} printable characters: it has {len(text)}"
    if character := unprintable(text):
        return f"is not 1 to {ID_LENGTH} printable characters: it holds {character}"
    if text != normal(text):
        return "has an invisible character, a blank at an end, or a blank that is not the plain space"
    if {".", ".."} & {*segments, *split(r"[/\\]", _decoded(text))}:
        return "has . or .. between slashes, which mean a folder in an address"
    return "begins or ends with a slash, or has two in a row" if "" in segments else None
