"""The files of added pictures: named by their content, so that none is ever overwritten, and durable before their row.

    artifacts/images/<first 2 digits>/<SHA-256>.<ending>

The pictures of a training run's source are elsewhere and never touched.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from retrieval.durable import DRAFT, storage_error, sync, write_atomically
from retrieval.images import FORMATS

logger = logging.getLogger(__name__)

FOLDER = "images"
_EXTENSIONS = {kind.media_type: kind.extensions[0] for kind in FORMATS}
_OURS = re.compile(rf"{FOLDER}/([0-9a-f]{{2}})/\1[0-9a-f]{{62}}\.[a-z]+")


def location_of(sha256: str, media_type: str) -> str:
    """Where the picture of this content is, relative to the artifacts folder."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}{_EXTENSIONS[media_type]}"


def keep(artifacts: Path, location: str, data: bytes) -> None:
    """Write a picture unless it is there; durable when it returns. Raises StorageError."""
    path = artifacts / location
    try:
        if path.exists():  # it got its name after its content was durable; but is the name, if another thread gave it?
            sync(path.parent)
            return
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync(path.parent.parent)
            sync(artifacts)
        with write_atomically(path, several=True) as draft:
            draft.write_bytes(data)
    except OSError as error:
        raise storage_error(error, str(path.parent)) from error


def discard(artifacts: Path, locations: Iterable[str]) -> None:
    """Delete pictures, of those that are ours. One that cannot be is logged, and swept at the next start."""
    for location in locations:
        if _OURS.fullmatch(location):
            try:
                (artifacts / location).unlink(missing_ok=True)
            except OSError as error:
                logger.warning("a deleted item's picture stays for now: %s", error)


def kept(artifacts: Path) -> Iterator[str]:
    """The locations of all pictures that are there."""
    for path in (artifacts / FOLDER).glob("??/*"):
        location = path.relative_to(artifacts).as_posix()
        if _OURS.fullmatch(location):
            yield location


def drafts(artifacts: Path) -> Iterator[Path]:
    """Files that were begun, and perhaps never finished."""
    yield from (artifacts / FOLDER).glob(f"??/.*{DRAFT}")
