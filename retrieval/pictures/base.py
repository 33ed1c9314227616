"""Where the pictures of items are kept: what every store of them promises, and how their places are named.

    images/<first 2 digits>/<SHA-256>.<ending>

A picture is named by its content, so that none is ever overwritten: whoever writes it first has written what everybody
else would write. The same name is used in every store, so that pictures can be moved by copying them.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from retrieval.images import FORMATS

FOLDER = "images"
WRITERS = 8
"""Pictures that are written at once: a disk makes several durable in one go, and a store is mostly waited for."""
_EXTENSIONS = {kind.media_type: kind.extensions[0] for kind in FORMATS}
_OURS = re.compile(rf"{FOLDER}/([0-9a-f]{{2}})/\1[0-9a-f]{{62}}\.[a-z]+")


def location_of(sha256: str, media_type: str) -> str:
    """The place of the picture of this content."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}{_EXTENSIONS[media_type]}"


def is_ours(location: str) -> bool:
    """Whether a picture has its place from `location_of`. Those of a source have others, and are never touched."""
    return _OURS.fullmatch(location) is not None


class PictureStore(Protocol):
    """Keeps pictures by their location. Threads and processes may share it; every method is blocking."""

    def keep(self, location: str, data: bytes) -> None:
        """Write a picture unless it is there; durable when it returns. Raises StorageError."""

    def read(self, location: str) -> bytes:
        """The file of an item's picture, ours or not. Raises PictureMissing, PictureUnavailable."""

    def link(self, location: str, seconds: int) -> str | None:
        """A signed address of a picture that is good for so long, if it is here and the store makes such addresses.

        Raises PictureUnavailable.
        """

    def discard(self, locations: Iterable[str]) -> None:
        """Delete pictures, of those that are ours. One that cannot be is logged, and swept at the next start."""

    def locations(self, before: float = math.inf) -> Iterator[str]:
        """The locations of all pictures that are there long enough to be swept. Raises StorageError.

        In a folder, of those that were written before a time, in seconds since 1970.
        """

    def sweep_drafts(self) -> None:
        """Delete files that were begun long ago and never finished."""

    def check(self) -> None:
        """Raise StorageError where a picture could not be written now, as far as that can be known."""


def keep_all(store: PictureStore, pictures: Mapping[str, bytes]) -> None:
    """Write pictures, by location, unless they are there; all are durable when it returns. Raises StorageError."""
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="pictures") as pool:  # which starts no thread in vain
        list(pool.map(store.keep, pictures, pictures.values()))
