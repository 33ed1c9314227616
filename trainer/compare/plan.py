"""What a comparison is to train, read and checked without TensorFlow: configurations, and the source with its parts."""

import csv
import io
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from retrieval.durable import check_writable
from retrieval.errors import LookalikeError
from trainer.config import Config, SplitConfig, load_config
from trainer.data.split import PART_NUMBERS, TEST, VALIDATION, split
from trainer.errors import SourceError
from trainer.progress import Listener, Progress
from trainer.run.inputs import with_files
from trainer.sources import read_source


@dataclass(frozen=True, slots=True)
class SetAside:
    """A source with its parts: the CSV that runs are given, and which of its pictures they do not look at.

    `digest` stands for the table and the files that it names. `notes` are on how the source was read.
    """

    table: str
    test: frozenset[Path]
    digest: str
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration that can be trained: its name in tables, its file's stem, and the pictures."""

    name: str
    stem: str
    config: Config
    pictures: SetAside


@dataclass(frozen=True, slots=True)
class Failure:
    """A configuration that could not be trained or measured, and why, in words for its owner."""

    configuration: str
    reason: str


def plan(paths: Sequence[Path], source: str, artifacts: Path, listener: Listener) -> list[Candidate | Failure]:
    """Read each configuration, and the source for it, in order; what a user can mend in one is its Failure.

    Raises FolderNotWritable for the artifacts folder.
    """
    check_writable(artifacts)
    return [
        _candidate(path, name, source, artifacts, listener) for path, name in zip(paths, _names(paths), strict=True)
    ]


def set_aside(source: str, config: Config, artifacts: Path, progress: Progress) -> SetAside:
    """Read a source and choose its test pictures. Raises SourceError for one without labels, or with too few pictures.

    Pictures that are rendered or downloaded come to lie in `artifacts`, once for all configurations.
    """
    listing = read_source(source, artifacts, config.source, progress=progress)
    pictures = listing.pictures
    if len({picture.label for picture in pictures} - {None}) < 2:
        raise SourceError(
            f"{source} has no two labels, so there is nothing to compare by. Put the pictures of each label into a "
            "folder of its own, or name the labels in the column label of a CSV."
        )
    parts = split(pictures, config.split, config.seed)
    if not (parts == TEST).any():
        parts[parts == VALIDATION] = TEST
        rest = np.flatnonzero(parts != TEST).tolist()
        again = SplitConfig(share=config.split.share) if config.split.by == "publisher" else config.split
        try:
            parts[rest] = split([pictures[row] for row in rest], again, config.seed)
        except SourceError as error:
            raise SourceError(f"Once the test pictures are set aside, the rest is too little: {error}") from error
    names = {number: name for name, number in PART_NUMBERS.items() if name}
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["id", "path", "label", "part"])
    writer.writerows((p.id, p.path, p.label, names[part]) for p, part in zip(pictures, parts, strict=True))
    digest = sha256(table.getvalue().encode())
    for picture in pictures:
        about = picture.path.stat()
        digest.update(f"{about.st_size} {about.st_mtime_ns}\n".encode())
    test = frozenset(picture.path for picture, part in zip(pictures, parts, strict=True) if part == TEST)
    return SetAside(table.getvalue(), test, digest.hexdigest(), listing.notes)


def _candidate(path: Path, name: str, source: str, artifacts: Path, listener: Listener) -> Candidate | Failure:
    try:
        config = with_files(load_config(path), artifacts)
        with listener.step(f"Reading the source of {name}") as progress:
            pictures = set_aside(source, config, artifacts, progress)
    except (LookalikeError, OSError, sqlite3.Error) as error:
        listener.note(f"{name} failed: {error}")
        return Failure(name, str(error))
    for note in pictures.notes:
        listener.note(note)
    return Candidate(name, path.stem, config, pictures)


def _names(paths: Sequence[Path]) -> list[str]:
    """What the configurations are called: the file's stem, or the whole path where two have the same."""
    stems = [path.stem for path in paths]
    return [
        stem if stems.count(stem) == 1 else str(path.with_suffix("")) for stem, path in zip(stems, paths, strict=True)
    ]
