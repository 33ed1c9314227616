"""Arguments of the commands: options that several share, and checks made before anything slow is imported."""

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from retrieval.text import spellings
from trainer.errors import SourceError

Artifacts = Annotated[
    Path, typer.Option(envvar="LOOKALIKE_ARTIFACTS", help="Folder that bundles, vectors and catalogue live in.")
]
ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config", metavar="CONFIG", help="A TOML file, or the name of a ready configuration: frozen, faces, ..."
    ),
]

SOURCE_NAMES = ("pottery", "flowers102", "lfw", "celeba")
"""Sources that are no paths; `trainer.sources` knows what they are."""


class Metric(StrEnum):
    """The two measures, as words of the command line."""

    cosine = "cosine"
    euclidean = "euclidean"


class Preset(StrEnum):
    """The choices between quality and the milliseconds of a query, as words of the command line."""

    fast = "fast"
    balanced = "balanced"
    best = "best"


def check_sources(*sources: str | None) -> None:
    """Raise SourceError for a source that is neither a name nor the path of something that is there."""
    for source in sources:
        if source is None or source in SOURCE_NAMES or any(map(os.path.exists, spellings(source))):
            continue
        if "://" in source:
            raise SourceError(f"{source} is an address. Download what is there, unpack it, and name the folder or CSV.")
        raise SourceError(
            f"{source} is not a folder or file. Name a folder of pictures, a CSV file, or {_either(SOURCE_NAMES)}."
        )


def check_published(artifacts: Path) -> None:
    """Raise BundleMissing unless a bundle is published in the artifacts folder."""
    from retrieval.bundle import current

    current(artifacts)


def is_published(artifacts: Path) -> bool:
    """Whether a bundle is published in the artifacts folder; BundleDamaged where that cannot be read."""
    from retrieval.errors import BundleMissing

    try:
        check_published(artifacts)
    except BundleMissing:
        return False
    return True


def check_named(artifacts: Path, names: Iterable[str]) -> None:
    """Raise BundleMissing for a name, as `load_named` takes them, that stands for no folder of a bundle."""
    from trainer.bundles import find_named

    for name in names:
        find_named(artifacts, name)


def check_folders(*folders: Path) -> list[str]:
    """Raise SourceError for a folder that is none, or that holds no picture; return notes on what else they hold."""
    check_sources(*map(str, folders))
    from trainer.sources.folder import read_folder

    return [f"{folder}: {note}" for folder in folders for note in read_folder(folder).notes]


def _either(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
