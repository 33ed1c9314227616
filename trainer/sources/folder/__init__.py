"""A folder of pictures: the folder that a picture lies in is its label. Any depth."""

import re
from collections import Counter
from pathlib import Path

from retrieval.text import nfc
from trainer.errors import SourceError
from trainer.sources.base import Listing, Picture, stable_id
from trainer.sources.folder.labels import read_labels
from trainer.sources.folder.walk import Contents, walk

_TABLE = re.compile(r"\.(csv|tsv|jsonl|ndjson)(\.(gz|bz2|xz))?$", re.IGNORECASE)


def read_folder(root: Path) -> Listing:
    """Every picture below `root`: what has the ending of one, and what is one by its content.

    A picture directly in `root` has no label; see `labels` for those deeper down. Every other file is accounted for:
    skipped with its reason, or counted in a note, as hidden files and those of systems are. Raises SourceError when
    `root` is no folder or holds no picture.
    """
    if not root.is_dir():
        raise SourceError(
            f"{root} is not a folder. Name a folder of pictures, a CSV file, or pottery, flowers102, lfw or celeba."
        )
    contents = walk(root)
    if not contents.pictures:
        raise SourceError(f"{root} holds no pictures, at any depth. {_instead(root, contents)}")
    places = [path.relative_to(root) for path in contents.pictures]
    labels = read_labels((place.parts[:-1] for place in places), root.absolute().name)
    composed = Counter(nfc(place.as_posix()) for place in places)
    pictures = []
    for path, place in zip(contents.pictures, places, strict=True):
        label, part = labels.of[place.parts[:-1]]
        text = nfc(place.as_posix())
        identity = stable_id(text if composed[text] == 1 else place.as_posix())  # two files of one name stay two
        pictures.append(Picture(identity, path.absolute(), label, part=part))
    notes = [*labels.notes]
    if ignored := contents.describe_ignored():
        notes.append(f"Not pictures, and ignored: {ignored}.")
    return Listing(pictures, contents.skipped, notes)


def _instead(root: Path, contents: Contents) -> str:
    """What there is in a folder without pictures, and what to do."""
    said = []
    if contents.skipped:
        entry = contents.skipped[0]
        more = f" and {len(contents.skipped) - 1} others" if len(contents.skipped) > 1 else ""
        said.append(f"{entry.place}{more} cannot be used: {entry.reason}.")
    if ignored := contents.describe_ignored():
        said.append(f"It holds {ignored} instead.")
    tables = sorted(path.name for path in root.iterdir() if _TABLE.search(path.name))
    if tables:
        said.append(f"To read {tables[0]}, name that file instead of the folder.")
    elif any(ending in contents.ignored for ending in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")):
        said.append("Unpack its archives first.")
    return " ".join(said or ["It is empty."])
