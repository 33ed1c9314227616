"""Pictures in lists, as the page shows them: a list has groups, a group has cards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from trainer.report.images import thumbnail

MOST = 24  # groups of a list that are shown; the CSV has all
MOST_CARDS = 12  # cards of a group that are shown

Mark = Literal["", "query", "match", "miss", "keep"]


@dataclass(frozen=True, slots=True)
class Card:
    """One picture. `picture` is a data: address, or None for an empty card."""

    picture: str | None
    title: str
    note: str = ""
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that belong together, with a line above them; `more` pictures are not shown."""

    title: str
    cards: Sequence[Card] = ()
    note: str = ""
    more: int = 0


@dataclass(frozen=True, slots=True)
class Shelf:
    """A list: its first groups, of `total`, and where the whole of it is.

    `how` says how to read it, `empty` what it means that there is nothing in it. Where `single`, every group is one
    picture, and they stand side by side. Where `counted`, its length stands beside the title.
    """

    id: str
    title: str
    how: str
    empty: str
    groups: Sequence[Group]
    total: int
    csv: str
    single: bool = False
    counted: bool = True

    @property
    def rest(self) -> str:
        """What is said of the CSV: the groups that are not shown are in it only."""
        more = self.total - len(self.groups)
        if not more:
            return "As a table:"
        return f"And {more:,} more in" if self.groups else f"All {more:,} in"


def card(path: Path, title: str | None, note: str = "", mark: Mark = "") -> Card:
    """A card with the picture's thumbnail."""
    return Card(thumbnail(path), title or "no label", note, mark)


def first(groups: Iterator[Group], most: int = MOST) -> list[Group]:
    """As many as are shown; thumbnails of the others are never made."""
    return list(islice(groups, most))
