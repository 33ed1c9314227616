"""Bundles in a store by its URL, such as s3://bucket/prefix: what servers of several machines fetch theirs from.

    <URL>/bundles/<id>/...     the files of a bundle, as in an artifacts folder

The checksum of the manifest is written last and deleted first: a bundle is there once that is. What was fetched is
compared with its checksums before it is used.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retrieval.bundle import checksums
from retrieval.bundle.layout import CHECKSUM, MANIFEST
from retrieval.bundle.reading import parse_manifest, read_manifest
from retrieval.durable import storage_error, write_atomically
from retrieval.errors import BundleDamaged, BundleMissing, LookalikeError, StorageUnavailable
from retrieval.manifest import Manifest
from retrieval.remote import BUCKETS, open_file_system

logger = logging.getLogger(__name__)

FOLDER = "bundles"
_QUERY = re.compile(r"\?[^\s\"']+")  # of a URL, where signatures are


class BundleStore:
    """The bundles at a URL. Every method raises StorageUnavailable where the store does not answer."""

    def __init__(self, url: str) -> None:
        """Raises StorageUnavailable where the library that the URL needs is not installed. Connects to nothing."""
        self.url = url
        self._files, root = open_file_system(url)
        self._root = f"{root.rstrip('/')}/{FOLDER}"
        self._manifests: dict[str, Manifest] = {}  # a bundle never changes

    def ids(self) -> list[str]:
        """The ids of all bundles that are there as a whole, in order."""
        with self._answers("listed"):
            try:
                paths = self._files.find(self._root)
            except FileNotFoundError:
                return []
        return sorted(path.split("/")[-2] for path in paths if path.endswith(f"/{CHECKSUM}"))

    def manifest(self, bundle_id: str) -> Manifest:
        """What a bundle is. Raises BundleMissing, BundleDamaged, BundleIncompatible."""
        if bundle_id not in self._manifests:
            self._manifests[bundle_id] = self._read(bundle_id)[0]
        return self._manifests[bundle_id]

    def fetch(self, bundle_id: str, folder: Path) -> None:
        """Copy a bundle into a folder that is not there yet, which appears once all of it is as its checksums say.

        Raises BundleMissing, BundleDamaged, BundleIncompatible, StorageError.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        manifest, text, checksum = self._read(bundle_id)
        try:
            with write_atomically(folder, several=True) as draft:
                draft.mkdir()
                for name in manifest.files:
                    path = checksums.inside(draft, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    self._fetch_file(bundle_id, name, path)
                checksums.check(draft, manifest.files)
                (draft / MANIFEST).write_bytes(text)
                (draft / CHECKSUM).write_bytes(checksum)
        except OSError as error:
            if not folder.is_dir():  # else another process that shares the folder was faster
                raise storage_error(error, str(folder)) from error
        logger.info("fetched bundle %s from %s", bundle_id, self.url)

    def keep(self, folder: Path) -> None:
        """Copy a bundle into the store, unless it is there. Raises BundleDamaged for another one of the same id."""
        manifest, own = read_manifest(folder), (folder / CHECKSUM).read_bytes()
        with suppress(BundleMissing):
            if self._read(manifest.id)[2] != own:
                raise BundleDamaged(f"{self.url} has another bundle of the id {manifest.id}: train again.")
            return
        with self._answers("written"):
            for name in (*manifest.files, MANIFEST, CHECKSUM):
                self._files.pipe_file(self._path(manifest.id, name), (folder / name).read_bytes())

    def delete(self, bundle_id: str) -> None:
        """Delete a bundle, if it is there."""
        self._manifests.pop(bundle_id, None)
        with self._answers("deleted"), suppress(FileNotFoundError):
            self._files.rm_file(self._path(bundle_id, CHECKSUM))
            self._files.rm(f"{self._root}/{bundle_id}", recursive=True)

    def check(self) -> None:
        """Raise StorageUnavailable where the store does not answer, or has no such bucket."""
        with self._answers("read"):
            try:
                self._files.info(self._root)
            except FileNotFoundError:  # nothing was published yet: or there is not even a bucket
                protocol = self._files.protocol
                if BUCKETS.intersection((protocol,) if isinstance(protocol, str) else protocol):
                    self._files.info(self._root.partition("/")[0])

    def _read(self, bundle_id: str) -> tuple[Manifest, bytes, bytes]:
        """A manifest, its text and its checksum."""
        with self._answers("read"):
            try:
                checksum = self._files.cat_file(self._path(bundle_id, CHECKSUM))
                text = self._files.cat_file(self._path(bundle_id, MANIFEST))
            except FileNotFoundError:
                raise BundleMissing(f"There is no bundle {bundle_id} in {self.url}.") from None
        return parse_manifest(text, checksum, f"{self.url}/{FOLDER}/{bundle_id}/{MANIFEST}", bundle_id), text, checksum

    def _fetch_file(self, bundle_id: str, name: str, path: Path) -> None:
        with self._answers("read"):
            try:
                self._files.get_file(self._path(bundle_id, name), str(path))
            except FileNotFoundError:
                raise BundleDamaged(f"{self.url}/{FOLDER}/{bundle_id} lacks {name}. Publish another bundle.") from None

    def _path(self, bundle_id: str, name: str) -> str:
        return f"{self._root}/{bundle_id}/{name}"

    @contextmanager
    def _answers(self, what: str) -> Iterator[None]:
        """Let the block ask the store; what the store's library raises becomes StorageUnavailable."""
        try:
            yield
        except LookalikeError:
            raise
        except Exception as error:
            reason = _QUERY.sub("?...", f"{type(error).__name__}: {error}")
            raise StorageUnavailable(
                f"the bundles in {self.url} cannot be {what} ({reason}); see that the store can be reached, that its "
                "bucket is there, and that the credentials of this machine may use it"
            ) from error
