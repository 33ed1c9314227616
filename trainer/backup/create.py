"""Making a backup, while the API goes on serving and changing what is backed up.

The catalogue is copied first, as it is at one moment; then the vectors, of each bundle at one moment; then the
pictures. An item that is deleted meanwhile may have lost its picture by then: it is left out, as if the copy had been
made a moment later. Vectors of items that came meanwhile are swept when the backup is served, and those that lack are
computed. Nobody can publish or prune meanwhile.
"""

import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from retrieval import bundle
from retrieval.catalogue.copies import CatalogueFile, CopiedItem
from retrieval.durable import write_atomically
from retrieval.vectors.stores import EmbeddedStores, copy_store
from trainer.backup.contents import (
    ABOUT,
    ARTIFACTS,
    CATALOGUE,
    ELSEWHERE,
    FORMAT_VERSION,
    About,
    Missing,
    elsewhere_name,
    is_inside,
    write_sums,
)
from trainer.bundles import stores_of
from trainer.errors import BackupError
from trainer.progress import Listener, Progress
from trainer.releases import log, pinned
from trainer.releases.lock import alone

IMMUTABLE = ("bundles/", "images/")
"""What is never changed once it is there, so that a second name for it (a hard link) is as good as a copy."""


def create(artifacts: Path, target: Path, listener: Listener) -> About:
    """Back up an artifacts folder into the new folder `target`: all of it, or nothing.

    Raises BackupError, PublisherBusy, and what keeps the catalogue or a vector store from being read.
    """
    catalogue = CatalogueFile(artifacts / CATALOGUE)
    if not catalogue.path.is_file():
        raise BackupError(f"There is nothing to back up in {artifacts}: it has no {CATALOGUE}.")
    if target.is_symlink() or (target.exists() and not _is_empty(target)):
        raise BackupError(f"{target} is there already. Name a new folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone(artifacts), write_atomically(target) as draft:
        root = draft / ARTIFACTS
        root.mkdir(parents=True)
        copy = catalogue.copy(root / CATALOGUE)
        copy.empty_bin()
        live = log.live_id(artifacts)
        bundles = _copy_bundles(artifacts, root, live, listener)
        items = copy.items()
        missing = _copy_pictures(artifacts, draft, items, listener)
        gone_items = set(catalogue.gone([item for item in items if item.location in missing]))
        copy.delete(gone_items)
        with listener.step("Computing checksums") as progress:
            digest, size = write_sums(draft, progress)
        left = [item for item in items if item not in gone_items]
        about = About(
            format_version=FORMAT_VERSION,
            created=datetime.now(UTC),
            live=live,
            items=len(left),
            pictures=len({item.location for item in left} - missing.keys()),
            bundles=bundles,
            bytes=size,
            missing=tuple(
                Missing(id=item.id, location=item.location, reason=missing[item.location])
                for item in left
                if item.location in missing
            ),
            sums_sha256=digest,
        )
        (draft / ABOUT).write_text(about.model_dump_json(indent=2), encoding="utf-8")
    return about


def _copy_bundles(artifacts: Path, root: Path, live: str | None, listener: Listener) -> int:
    """All bundles with their vectors, and what says which of them is live; how many there are."""
    stores, copies = stores_of(artifacts), EmbeddedStores(root)
    ids = bundle.all_ids(artifacts)
    with listener.step("Copying bundles and vectors") as progress:
        for done, bundle_id in enumerate(ids, start=1):
            shutil.copytree(
                bundle.fetched(artifacts, bundle_id), bundle.bundle_path(root, bundle_id), copy_function=_link
            )
            if stores.exists(bundle_id):
                clusters = partial(bundle.read_clusters, bundle.bundle_path(artifacts, bundle_id))
                copy_store(bundle_id, clusters, stores, copies)
            progress(done, len(ids))
    if live is not None:
        (root / "CURRENT").write_text(f"{live}\n", encoding="ascii")
    for name in (log.HISTORY, pinned.PINNED):
        if (artifacts / name).is_file():
            shutil.copy2(artifacts / name, root / name)
    for bundle_id in ids:
        path = bundle.pending_path(artifacts, bundle_id)
        if path.is_file():
            bundle.pending_path(root, bundle_id).parent.mkdir(exist_ok=True)
            shutil.copy2(path, bundle.pending_path(root, bundle_id))
    return len(ids)


def _copy_pictures(artifacts: Path, draft: Path, items: Iterable[CopiedItem], listener: Listener) -> dict[str, str]:
    """The pictures of the items and those that are pinned; why which ones cannot be copied, by location."""
    home = artifacts.absolute()
    locations = dict.fromkeys(item.location for item in items)
    for pin in pinned.read(artifacts) or ():
        locations[str(pin.path.relative_to(home) if pin.path.is_relative_to(home) else pin.path)] = None
    missing: dict[str, str] = {}
    with listener.step("Copying pictures") as progress:
        for done, location in enumerate(locations, start=1):
            inside = is_inside(location)
            copy = draft / ARTIFACTS / location if inside else draft / ELSEWHERE / elsewhere_name(location)
            try:
                copy.parent.mkdir(parents=True, exist_ok=True)
                (_link if inside and location.startswith(IMMUTABLE) else shutil.copy2)(artifacts / location, copy)
            except (OSError, ValueError) as error:
                missing[location] = getattr(error, "strerror", None) or str(error)
            _tell(progress, done, len(locations))
    return missing


def _tell(progress: Progress, done: int, total: int) -> None:
    if done % 100 == 0 or done == total:
        progress(done, total)


def _link(source: str | Path, target: str | Path) -> None:
    """A second name for the file; a copy where the file system has no such thing, or is another one."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(source, target)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
