"""The bundles on disk: which can be served, which is to be, and what people read of them.

Blocking: to be run in the pool.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from api.errors import Refusal
from api.schemas.bundles import BundleAnswer, BundlesAnswer
from api.schemas.search.answer import report_url
from retrieval import bundle as bundles
from retrieval.bundle import Library, checksums
from retrieval.bundle.handover import NotTakenOver
from retrieval.errors import BundleDamaged, BundleError, BundleIncompatible, BundleMissing
from retrieval.manifest import FileEntry, Manifest
from retrieval.vectors.stores import VectorStores

logger = logging.getLogger(__name__)

INDEX = f"{bundles.REPORT}/index.html"

# What a report is made of. Not from mimetypes, which answers differently from one machine to the next.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One file of a report, not read yet."""

    folder: Path
    name: str
    """Its name in the manifest."""
    entry: FileEntry

    @property
    def media_type(self) -> str:
        """By its ending; nothing that a browser would run where the ending says nothing."""
        return MEDIA_TYPES.get(PurePosixPath(self.name).suffix, "application/octet-stream")

    def read(self) -> bytes:
        """Its bytes, as they were written. Raises Refusal if they are not."""
        try:
            return checksums.read(self.folder, {self.name: self.entry}, self.name)
        except BundleDamaged as error:
            logger.error("a report cannot be shown: %s", error)
            raise Refusal("bundle_damaged") from error


def list_bundles(library: Library, stores: VectorStores, loaded: Sequence[str]) -> BundlesAnswer:
    """Those with a sound manifest and with vectors, newest first. Their other files are checked when they go live.

    `loaded`: the ids of those that are, the live one first.
    """
    servable = (_servable(library, stores, bundle_id) for bundle_id in library.ids())
    manifests = [manifest for manifest in servable if manifest]
    manifests.sort(key=lambda manifest: (manifest.created, manifest.id), reverse=True)
    return BundlesAnswer(bundles=[_answer(manifest, loaded) for manifest in manifests])


def publish(library: Library, stores: VectorStores, bundle_id: str) -> None:
    """Publish a bundle of the list, once every file of it is found to be as it was written.

    Raises Refusal, StorageError.
    """
    if bundle_id not in library.ids() or _servable(library, stores, bundle_id) is None:
        raise Refusal("bundle_missing")
    try:
        library.publish(bundle_id)
    except NotTakenOver as error:
        raise Refusal("bundle_damaged", str(error)) from error
    except BundleError as error:
        logger.error("not published: %s", error)
        raise Refusal("bundle_damaged") from error


def show_bundle(library: Library, stores: VectorStores, bundle_id: str, loaded: Sequence[str]) -> BundleAnswer:
    """A bundle as in the list. Raises Refusal if it is gone."""
    manifest = _servable(library, stores, bundle_id)
    if manifest is None:
        raise Refusal("bundle_missing")
    return _answer(manifest, loaded)


def find_report(library: Library, bundle_id: str, name: str) -> ReportFile:
    """The file of this name in a bundle's report. Raises Refusal if the bundle or its manifest has none."""
    if bundle_id not in library.ids():  # and so no path that leads elsewhere
        raise Refusal("bundle_missing")
    try:
        folder = library.folder(bundle_id)
        manifest = bundles.read_manifest(folder)
    except (BundleMissing, BundleIncompatible) as error:  # not listed, either
        raise Refusal("bundle_missing") from error
    except BundleError as error:
        logger.error("a report cannot be shown: %s", error)
        raise Refusal("bundle_damaged") from error
    listed = f"{bundles.REPORT}/{name}"
    if listed not in manifest.files:
        raise Refusal("report_missing")
    return ReportFile(folder, listed, manifest.files[listed])


def report_of(manifest: Manifest) -> str | None:
    """Where the bundle's report begins, if it has one."""
    return report_url(manifest.id) if INDEX in manifest.files else None


def _servable(library: Library, stores: VectorStores, bundle_id: str) -> Manifest | None:
    try:
        manifest = library.manifest(bundle_id)
    except BundleError as error:
        logger.warning("not listed: %s", error)
        return None
    return manifest if stores.exists(bundle_id) else None


def _answer(manifest: Manifest, loaded: Sequence[str]) -> BundleAnswer:
    return BundleAnswer(
        id=manifest.id,
        created=manifest.created,
        encoder=manifest.encoder.name,
        stage=manifest.encoder.stage,
        items=manifest.counts.items,
        preset=manifest.preset,
        metrics=manifest.metrics,
        intervals=manifest.intervals,
        live=manifest.id in loaded[:1],
        loaded=manifest.id in loaded,
        report_url=report_of(manifest),
    )
