"""Pictures in a folder: each is durable before anybody names it."""

import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from retrieval.durable import DRAFT, check_folder, storage_error, sync, write_atomically
from retrieval.errors import PictureMissing
from retrieval.pictures.base import FOLDER, is_ours

logger = logging.getLogger(__name__)

DRAFT_SECONDS = 3600  # after which a file that was begun is not going to be finished


class FolderPictures:
    """A PictureStore in a folder of this machine, or one that is mounted by several."""

    def __init__(self, home: Path, artifacts: Path) -> None:
        """`home` has the pictures that are kept; `artifacts` is what every other location is relative to."""
        self._home = home
        self._artifacts = artifacts

    def keep(self, location: str, data: bytes) -> None:
        """Write a picture unless it is there; durable when it returns. Raises StorageError."""
        path = self._home / location
        try:
            if path.exists():  # its content is durable, as its name came last; the name itself may be too new
                sync(path.parent)
                return
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                sync(path.parent.parent)
                sync(self._home)
            with write_atomically(path, several=True) as draft:
                draft.write_bytes(data)
        except OSError as error:
            raise storage_error(error, str(path.parent)) from error

    def read(self, location: str) -> bytes:
        """The file at a location: relative, or absolute for a source's. Raises PictureMissing."""
        try:
            if self._home != self._artifacts and is_ours(location) and (path := self._home / location).exists():
                return path.read_bytes()
            # A source's, or one that was added before the pictures had a place of their own.
            return (self._artifacts / location).read_bytes()
        except OSError as error:
            raise PictureMissing(f"the picture at {location} cannot be read: {error}") from error

    def link(self, location: str, seconds: int) -> str | None:  # noqa: ARG002
        """None: files have no signed addresses."""
        return None

    def discard(self, locations: Iterable[str]) -> None:
        """Delete pictures, of those that are ours. One that cannot be is logged, and swept at the next start."""
        for location in locations:
            if is_ours(location):
                try:
                    (self._home / location).unlink(missing_ok=True)
                except OSError as error:
                    logger.warning("a deleted item's picture stays for now: %s", error)

    def kept(self) -> Iterator[str]:
        """The locations of all pictures that are there."""
        for path in (self._home / FOLDER).glob("??/*"):
            location = path.relative_to(self._home).as_posix()
            if is_ours(location):
                yield location

    def sweep_drafts(self) -> None:
        """Delete files that were begun long ago and never finished."""
        for draft in (self._home / FOLDER).glob(f"??/.*{DRAFT}"):
            if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                draft.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise StorageError where a picture could not be written now."""
        for folder in dict.fromkeys((self._home, self._home / FOLDER)):
            check_folder(folder)
