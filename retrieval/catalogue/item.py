"""What an item is: one row of the catalogue, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from retrieval.errors import CatalogueError

Attribute: TypeAlias = str | int | float | bool
Origin: TypeAlias = Literal["source", "api"]

ID_LENGTH = 128  # characters


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of the catalogue. `width` and `height` in pixels, as the picture is seen.

    `location` is the picture's file, absolute or relative to the artifacts folder. `origin` is "source" for
    what a training run wrote, "api" for what was added later. Raises CatalogueError for an id that is not
    1 to 128 printable characters.
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

    def __post_init__(self) -> None:
        if not is_id(self.id):
            raise CatalogueError(f"{self.id!r} cannot be an item's id; give it 1 to {ID_LENGTH} printable characters")


def is_id(text: str) -> bool:
    """Whether an item can have this id: 1 to 128 printable characters."""
    return 1 <= len(text) <= ID_LENGTH and text.isprintable()
