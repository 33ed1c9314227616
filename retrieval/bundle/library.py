"""The bundles that an artifacts folder can serve, and which of them is live.

A bundle lies in the folder, or is fetched into it from the store that the folder names (`artifacts_url`). What is live
is one row of the database, where that is PostgreSQL; in every other case, and until something was published by way of
the database, it is what the file CURRENT names.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.bundle import layout
from retrieval.bundle.handover import hand_over
from retrieval.bundle.places import read_places
from retrieval.bundle.publishing import read_current, version_of_current, write_current
from retrieval.bundle.reading import load, read_manifest, verify
from retrieval.bundle.remote import BundleStore
from retrieval.errors import BundleDamaged, BundleMissing, StorageUnavailable
from retrieval.manifest import Manifest

if TYPE_CHECKING:
    from retrieval.catalogue import Catalogue, Releases

logger = logging.getLogger(__name__)


class Library:
    """Bundles by id. What asks the database raises CatalogueError; what asks the store, StorageUnavailable."""

    def __init__(
        self,
        artifacts: Path,
        url: str | None = None,
        catalogue: "Callable[[], Catalogue | None]" = lambda: None,
    ) -> None:
        """`url`: the store of bundles, if there is one; `catalogue`: None where the files of the folder count."""
        self._artifacts = artifacts
        self._catalogue = catalogue
        self.store = None if url is None else BundleStore(url)
        """What bundles are fetched from."""

    def releases(self) -> "Releases | None":
        """What the database says of publications; None where the files of the folder do."""
        catalogue = self._catalogue()
        return catalogue.releases if catalogue else None

    def current(self) -> str:
        """The id of the live bundle. Raises BundleMissing when nothing has been published."""
        releases = self.releases()
        live = releases.live() if releases else None
        return live.bundle_id if live else read_current(self._artifacts)

    def version(self) -> object:
        """What changes whenever something is published."""
        releases = self.releases()
        live = releases.live() if releases else None
        return live or version_of_current(self._artifacts)

    def ids(self) -> list[str]:
        """The ids of all bundles, sound or not, in order; those of the folder alone while the store does not answer."""
        ids = set(layout.ids(self._artifacts))
        if self.store is not None:
            try:
                ids.update(self.store.ids())
            except StorageUnavailable as error:
                logger.warning("only the bundles of this machine are listed: %s", error)
        return sorted(ids)

    def manifest(self, bundle_id: str) -> Manifest:
        """What a bundle is, without fetching it. Raises BundleMissing, BundleDamaged, BundleIncompatible."""
        folder = layout.bundle_path(self._artifacts, bundle_id)
        if self.store is None or folder.is_dir():
            return read_manifest(folder)
        return self.store.manifest(bundle_id)

    def folder(self, bundle_id: str) -> Path:
        """The folder of a bundle, which is fetched if it is in the store alone; where neither has it, its place.

        Raises BundleDamaged, BundleIncompatible.
        """
        folder = layout.bundle_path(self._artifacts, bundle_id)
        if self.store is not None and not folder.is_dir() and layout.is_bundle_id(bundle_id):
            with suppress(BundleMissing):
                self.store.fetch(bundle_id, folder)
        return folder

    def publish(self, bundle_id: str, *, forced: bool = False) -> None:
        """Make one bundle the live one, atomically; the store has it before, and unless forced, every server.

        Raises BundleError when it does not verify; forced: when it cannot be loaded. Raises StorageError.
        """
        folder = self.folder(bundle_id)
        if forced:
            load(folder)  # whatever else is wrong with it, it starts
        else:
            verify(folder)
        if self.store is not None:
            self.store.keep(folder)
        catalogue = self._catalogue()
        if catalogue is None or catalogue.releases is None or catalogue.shared is None:
            write_current(self._artifacts, bundle_id)
            return
        if not forced:
            hand_over(catalogue.releases, catalogue.shared, bundle_id)
        catalogue.releases.go_live(bundle_id)

    def take_back(self, bundle_id: str, former: str) -> None:
        """Let the former bundle be live again if this one still is, atomically; neither is looked at."""
        releases = self.releases()
        if releases is not None:
            releases.take_back(bundle_id, former)
            return
        with suppress(BundleMissing, BundleDamaged):  # then CURRENT does not name it
            if read_current(self._artifacts) == bundle_id:
                write_current(self._artifacts, former)


@contextmanager
def open_library(artifacts: Path) -> Iterator[Library]:
    """The bundles of a folder, with the database and the store that it names. Raises BundleDamaged, CatalogueError."""
    places = read_places(artifacts)
    url = places.catalogue_url
    if url is None or not url.startswith("postgresql"):
        yield Library(artifacts, places.artifacts_url)
        return
    from retrieval.catalogue import Catalogue

    with closing(Catalogue(url)) as catalogue:
        yield Library(artifacts, places.artifacts_url, lambda: catalogue)


def current(artifacts: Path) -> str:
    """The id of the live bundle of a folder. Raises BundleMissing when nothing has been published."""
    with open_library(artifacts) as library:
        return library.current()


def publish(artifacts: Path, bundle_id: str, *, forced: bool = False) -> None:
    """`Library.publish` for the bundles of a folder."""
    with open_library(artifacts) as library:
        library.publish(bundle_id, forced=forced)


def take_back(artifacts: Path, bundle_id: str, former: str) -> None:
    """`Library.take_back` for the bundles of a folder."""
    with open_library(artifacts) as library:
        library.take_back(bundle_id, former)


def fetched(artifacts: Path, bundle_id: str) -> Path:
    """`Library.folder` for the bundles of a folder; asks nobody where the bundle is in it."""
    folder = layout.bundle_path(artifacts, bundle_id)
    if folder.is_dir():
        return folder
    return Library(artifacts, read_places(artifacts).artifacts_url).folder(bundle_id)


def all_ids(artifacts: Path) -> list[str]:
    """The ids of all bundles of a folder and of the store that it names."""
    return Library(artifacts, read_places(artifacts).artifacts_url).ids()
