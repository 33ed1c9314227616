"""What commands check before they import what is slow, so that a mistake is told at once."""

from collections.abc import Iterable
from pathlib import Path


def check_published(artifacts: Path) -> None:
    """Raise BundleMissing unless a bundle is published in the artifacts folder."""
    from retrieval.bundle import current

    current(artifacts)


def check_named(artifacts: Path, names: Iterable[str]) -> None:
    """Raise BundleMissing for a name, as `load_named` takes them, that stands for no folder of a bundle."""
    from trainer.bundles import find_named

    for name in names:
        find_named(artifacts, name)


def check_folders(*folders: Path) -> None:
    """Raise SourceError for a folder that is none, or that holds no picture."""
    from trainer.sources.folder import read_folder

    for folder in folders:
        read_folder(folder)
