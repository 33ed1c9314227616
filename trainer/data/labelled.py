"""The labelled pictures of a source: what an evaluation searches with, or in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources import read_source
from trainer.sources.base import Picture, Skipped


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """What of `source` has a label, what cannot be used, with the reason, and notes on how it was read."""

    source: str
    pictures: Sequence[Picture]
    skipped: Sequence[Skipped] = ()
    notes: Sequence[str] = ()


def read_labelled(source: str, artifacts: Path, progress: Progress | None = None) -> LabelledPictures:
    """Read a source; what is rendered or downloaded comes to lie in `artifacts`.

    Raises SourceError for a source that cannot be read, or without any labelled picture.
    """
    listing = read_source(source, artifacts, progress=progress)
    labelled = [picture for picture in listing.pictures if picture.label is not None]
    unlabelled = [
        Skipped(picture.place, "it has no label to measure by") for picture in listing.pictures if picture.label is None
    ]
    skipped = [*listing.skipped, *unlabelled]
    if not labelled:
        raise SourceError(f"No picture of {source} can be used: {skipped[0].place}: {skipped[0].reason}.")
    return LabelledPictures(source, labelled, skipped, listing.notes)
