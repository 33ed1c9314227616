"""Where pictures come from: a folder, a CSV, or the generated pottery shop."""

from pathlib import Path

from retrieval.catalogue import ID_LENGTH, is_id
from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources import pottery
from trainer.sources.base import Listing, Picture, Skipped
from trainer.sources.folder import read_folder
from trainer.sources.table import read_csv


def read_source(source: str, artifacts: Path, progress: Progress | None = None) -> Listing:
    """The pictures of `source`: a folder, a CSV file, or the word `pottery` (rendered into `artifacts` once).

    Raises SourceError when there are none, or when `source` is none of these.
    """
    listing = _read(source, artifacts, progress)
    refused = {picture.id: reason for picture in listing.pictures if (reason := _refusal(picture))}
    kept = [picture for picture in listing.pictures if picture.id not in refused]
    if not kept:
        raise SourceError(f"No picture of {source} can be used: {next(iter(refused.values()))}.")
    skipped = [Skipped(str(p.path), refused[p.id]) for p in listing.pictures if p.id in refused]
    return Listing(kept, [Skipped(_written(s.place), s.reason) for s in [*listing.skipped, *skipped]])


def _read(source: str, artifacts: Path, progress: Progress | None) -> Listing:
    if source == "pottery":
        return read_csv(pottery.make(artifacts / "pottery", progress=progress), artifacts / "fetched")
    path = Path(source)
    if path.is_file():
        return read_csv(path, artifacts / "fetched", progress)
    return read_folder(path)


def _refusal(picture: Picture) -> str | None:
    """Why the catalogue could not hold this picture; said now rather than after an hour of training."""
    if not is_id(picture.id):
        return f"its id is not 1 to {ID_LENGTH} printable characters"
    texts = [str(picture.path), picture.label or "", *picture.attributes, *map(str, picture.attributes.values())]
    if any(_written(text) != text or "\0" in text for text in texts):
        return "its name, label or an attribute holds bytes that are not text in UTF-8; rename it"
    return None


def _written(text: str) -> str:
    """Text that can be stored and shown: what was not UTF-8 in a file name becomes question marks."""
    return text.encode("utf-8", "replace").decode()
