"""Pictures in an object store such as S3, by a URL that fsspec knows.

An object appears whole or not at all. It is written on the condition that there is none of its name, so that of two
servers that add the same picture one writes and the other one finds it. Credentials come from where the library of the
store looks for them, such as the environment or a profile, and are told to nobody.

A store that does not answer must not hold up searches: after a failure, one request at a time tries again, and all
others are refused at once.
"""

import logging
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from retrieval.errors import LookalikeError, PictureMissing, PictureUnavailable, StorageUnavailable
from retrieval.images import FORMATS
from retrieval.pictures.base import FOLDER, is_ours
from retrieval.pictures.folder import FolderPictures
from retrieval.remote import BUCKETS, open_file_system

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  # between two attempts, while the store does not answer
MIN_AGE_SECONDS = 3600
"""A younger picture may be that of an item whose row is still to come: that of a release, for example."""
CHANGED = ("LastModified", "last_modified", "updated", "mtime", "created")
"""What the file systems call the time of an object's last change."""
_MEDIA_TYPES = {kind.extensions[0]: kind.media_type for kind in FORMATS}
_QUERY = re.compile(r"\?[^\s\"']+")  # of a URL, where signatures are


class RemotePictures:
    """A PictureStore at a URL. What it does not have is read from `local`, where it may have been added earlier."""

    def __init__(self, url: str, local: FolderPictures) -> None:
        """Raises StorageUnavailable where the library that the URL needs is not installed. Connects to nothing."""
        self._url = url
        self._local = local
        self._files, root = open_file_system(url)
        self._root = root.rstrip("/")
        self._lock = threading.Lock()
        self._closed_until = 0.0
        """When the next request may try the store, after one has failed; 0 while all is well."""

    def keep(self, location: str, data: bytes) -> None:
        """Write a picture unless it is there; durable when it returns. Raises StorageUnavailable."""
        options = {"ContentType": _MEDIA_TYPES[location[location.rindex(".") :]]} if self._is_s3 else {}
        with self._answers(StorageUnavailable, "written"):
            path = self._path(location)
            try:
                if not self._files.exists(path):
                    self._files.pipe_file(path, data, mode="create", **options)
            except FileExistsError:  # another server was faster, with the same content
                return

    def read(self, location: str) -> bytes:
        """The file of an item's picture. Raises PictureMissing, PictureUnavailable."""
        if is_ours(location):
            with self._answers(PictureUnavailable, "read"):
                try:
                    data: bytes = self._files.cat_file(self._path(location))
                except FileNotFoundError:
                    pass
                else:
                    return data
        try:
            return self._local.read(location)
        except PictureMissing:
            raise PictureMissing(f"the picture at {location} is neither in {self._url} nor in a folder here") from None

    def link(self, location: str, seconds: int) -> str | None:
        """A signed address that is good for so long, if the picture is in the store. Raises PictureUnavailable."""
        if not is_ours(location):
            return None
        with self._answers(PictureUnavailable, "read"):
            path = self._path(location)
            return str(self._files.sign(path, expiration=seconds)) if self._files.exists(path) else None

    def discard(self, locations: Iterable[str]) -> None:
        """Delete pictures, of those that are ours. One that cannot be is logged, and swept at the next start."""
        for location in filter(is_ours, locations):
            try:
                with self._answers(StorageUnavailable, "deleted"), suppress(FileNotFoundError):
                    self._files.rm_file(self._path(location))
            except StorageUnavailable as error:
                logger.warning("a deleted item's picture stays for now: %s", error)
            self._local.discard([location])

    def locations(self, before: float = math.inf) -> Iterator[str]:  # noqa: ARG002 - its clock is another one
        """The locations of all pictures that are there long enough to be swept. Raises StorageUnavailable."""
        for number in range(256):
            folder = f"{FOLDER}/{number:02x}"
            with self._answers(StorageUnavailable, "listed"):
                objects: Mapping[str, Mapping[str, Any]] = self._files.find(self._path(folder), detail=True)
            for path, details in objects.items():
                location = f"{folder}/{path.rpartition('/')[2]}"
                if is_ours(location) and _age_seconds(details) > MIN_AGE_SECONDS:
                    yield location

    def sweep_drafts(self) -> None:
        """Delete those of the folder; a store has no unfinished objects."""
        self._local.sweep_drafts()

    def check(self) -> None:
        """Raise StorageUnavailable where the store does not answer, or has no such bucket."""
        with self._answers(StorageUnavailable, "written"):
            try:
                self._files.info(self._root)
            except FileNotFoundError:  # nothing has been added yet: or there is not even a bucket
                if BUCKETS.intersection(self._protocols):
                    self._files.info(self._root.partition("/")[0])

    @property
    def _protocols(self) -> tuple[str, ...]:
        protocol = self._files.protocol
        return (protocol,) if isinstance(protocol, str) else tuple(protocol)

    @property
    def _is_s3(self) -> bool:
        return "s3" in self._protocols

    def _path(self, location: str) -> str:
        return f"{self._root}/{location}"

    @contextmanager
    def _answers(self, failure: type[LookalikeError], what: str) -> Iterator[None]:
        """Let the block ask the store; what it raises becomes `failure`, or that is raised without asking."""
        with self._lock:
            now = monotonic()
            if now < self._closed_until:
                raise failure(f"the pictures in {self._url} cannot be {what}: the store did not answer a moment ago")
            if self._closed_until:
                self._closed_until = now + RETRY_SECONDS  # this one tries
        try:
            yield
        except Exception as error:
            if not isinstance(error, FileNotFoundError | PermissionError):  # with those, it did answer
                self._closed_until = monotonic() + RETRY_SECONDS
            reason = _QUERY.sub("?...", f"{type(error).__name__}: {error}")
            raise failure(
                f"the pictures in {self._url} cannot be {what} ({reason}); see that the store can be reached, that its "
                "bucket is there, and that the credentials of this server may use it"
            ) from error
        self._closed_until = 0.0


def _age_seconds(details: Mapping[str, Any]) -> float:
    """How long ago an object was written; 0 where the store does not say."""
    changed = next((details[name] for name in CHANGED if details.get(name) is not None), None)
    if isinstance(changed, int | float):
        changed = datetime.fromtimestamp(changed, UTC)
    if isinstance(changed, str):
        changed = datetime.fromisoformat(changed)
    if not isinstance(changed, datetime):
        return 0.0
    aware = changed if changed.tzinfo else changed.replace(tzinfo=UTC)
    return (datetime.now(UTC) - aware).total_seconds()
