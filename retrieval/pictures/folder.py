"""Pictures in a folder: each is durable before anybody names it."""

import logging
import math
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from retrieval.durable import DRAFT, check_folder, storage_error, sync, write_atomically
from retrieval.errors import PictureMissing
from retrieval.pictures.base import FOLDER, is_ours

logger = logging.getLogger(__name__)

MAX_KNOWN = 10_000  # pictures that are known to be durable
DRAFT_SECONDS = 3600  # after which a file that was begun is not going to be finished


class FolderPictures:
    """A PictureStore in a folder of this machine, or one that is mounted by several."""

    def __init__(self, home: Path, artifacts: Path) -> None:
        """`home` has the pictures that are kept; `artifacts` is what every other location is relative to."""
        self._home = home
        self._artifacts = artifacts
        self._durable: dict[str, tuple[int, int]] = {}
        """By location, the file that is known to be durable there, with its name."""

    def keep(self, location: str, data: bytes) -> None:
        """Write a picture unless it is there; durable when it returns. Raises StorageError."""
        path = self._home / location
        try:
            try:
                file = _identity(path)
            except FileNotFoundError:
                file = self._write(path, data)
            else:
                if self._durable.get(location) == file:  # it has not been away since
                    return
                sync(path.parent)  # its content is durable, as its name came last; the name itself may be too new
        except OSError as error:
            raise storage_error(error, str(path.parent)) from error
        if len(self._durable) >= MAX_KNOWN:
            self._durable.clear()
        self._durable[location] = file

    def _write(self, path: Path, data: bytes) -> tuple[int, int]:
        """Which file it is that was written."""
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync(path.parent.parent)
            sync(self._home)
        with write_atomically(path, several=True) as draft:
            draft.write_bytes(data)
            return _identity(draft)

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

    def locations(self, before: float = math.inf) -> Iterator[str]:
        """The locations of all pictures that are there, and were written before a time. Raises StorageError."""
        for number in range(256):
            folder = f"{FOLDER}/{number:02x}"
            try:
                with os.scandir(self._home / folder) as entries:
                    names = [
                        entry.name for entry in entries if is_ours(f"{folder}/{entry.name}") and _is_old(entry, before)
                    ]
            except FileNotFoundError:
                continue
            except OSError as error:
                raise storage_error(error, str(self._home / folder)) from error
            yield from (f"{folder}/{name}" for name in names)

    def sweep_drafts(self) -> None:
        """Delete files that were begun long ago and never finished."""
        for draft in (self._home / FOLDER).glob(f"??/.*{DRAFT}"):
            if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                draft.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise StorageError where a picture could not be written now."""
        for folder in dict.fromkeys((self._home, self._home / FOLDER)):
            check_folder(folder)


def _is_old(entry: os.DirEntry[str], before: float) -> bool:
    """Whether a file was written before a time; one that is gone was not."""
    try:
        return before == math.inf or entry.stat().st_mtime < before
    except FileNotFoundError:
        return False


def _identity(path: Path) -> tuple[int, int]:
    """Tells a file from every other one, also from one that is written in its place later."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns
