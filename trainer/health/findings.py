"""What can be wrong with a pile of pictures: value objects that the report shows and the CSV files hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.duplicates import Kind
from trainer.sources.base import Picture, Skipped


@dataclass(frozen=True, slots=True)
class WrongLabel:
    """A picture whose neighbours have another label. `confidence` 0..1: how much surer that one is than its own."""

    picture: Picture
    suggested: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Outlier:
    """A picture unlike all others. `distance` is 1 - cosine to the nearest, in features of the frozen encoder."""

    picture: Picture
    distance: float


@dataclass(frozen=True, slots=True)
class SmallLabel:
    """A label with too few pictures to learn from and to check with."""

    label: str
    pictures: int


@dataclass(frozen=True, slots=True)
class Copies:
    """Pictures that are one, the member worth keeping, and why in words."""

    members: Sequence[Picture]
    keep: Picture
    why: str


@dataclass(frozen=True, slots=True)
class LeakedPicture:
    """A held-out picture that was trained on as well, in another file or in one of the same bytes."""

    held_out: Path
    training: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class Health:
    """All that was found, the worst of each list first. `same_thing` is empty where nothing is calibrated."""

    unreadable: Sequence[Skipped]
    identical: Sequence[Copies]
    same_picture: Sequence[Copies]
    same_thing: Sequence[Copies]
    wrong_labels: Sequence[WrongLabel]
    outliers: Sequence[Outlier]
    small_labels: Sequence[SmallLabel]
    leaks: Sequence[LeakedPicture]
