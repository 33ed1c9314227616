"""Folders that can be written to, and making what was written survive a power cut."""

import os
from pathlib import Path
from tempfile import TemporaryFile

from retrieval.errors import FolderNotWritable


def sync(path: Path) -> None:
    """Make a file's content, or a folder's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(folder: Path) -> None:
    """Raise FolderNotWritable unless files can be made in `folder`, or in the one above that it would be made in."""
    place = folder.absolute()
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    try:
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise FolderNotWritable(f"Nothing can be written in {folder}: {error.strerror}.") from error
