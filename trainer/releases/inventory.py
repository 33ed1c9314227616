"""The bundles of an artifacts folder and of the store that it names: what there is, and what of it can go."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retrieval import bundle
from retrieval.errors import BundleError
from retrieval.manifest import Manifest
from trainer.bundles import stores_of
from trainer.releases import log
from trainer.releases.lock import alone
from trainer.releases.replay import cache_path

REMOVED_SUFFIX = ".pruned"
"""What a bundle's folder ends in while it is being removed, so that half of one never looks like a bundle."""


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """One bundle. `size` in bytes, its vectors included. `map` is that of its held-out pictures, where there were any.

    What its manifest says is None where that cannot be read; `problem` says why.
    """

    id: str
    live: bool
    size: int
    created: datetime | None = None
    encoder: str | None = None
    stage: str | None = None
    map: float | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class PruneResult:
    """Bundles that were removed, or would be, and those that are left alone because they cannot be read."""

    removed: Sequence[BundleInfo]
    unreadable: Sequence[BundleInfo]

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(info.size for info in self.removed)


def bundles(artifacts: Path) -> list[BundleInfo]:
    """Every bundle, newest first; those that cannot be read last. Checks no file but the manifest."""
    live = log.live_id(artifacts)
    with bundle.open_library(artifacts) as library:
        infos = [_info(artifacts, library, bundle_id, live) for bundle_id in library.ids()]
    readable = [info for info in infos if info.created]
    readable.sort(key=lambda info: (info.created, info.id), reverse=True)
    return readable + [info for info in infos if not info.created]


def prune(artifacts: Path, keep: int, *, dry_run: bool) -> PruneResult:
    """Remove all but the newest `keep` bundles and the live one, with their vectors. Raises PublisherBusy."""
    if dry_run:
        return _prunable(artifacts, keep)
    with alone(artifacts):
        for left_over in (artifacts / "bundles").glob(f".*{REMOVED_SUFFIX}"):
            shutil.rmtree(left_over)
        result = _prunable(artifacts, keep)
        for info in result.removed:
            _remove(artifacts, info.id)
    return result


def _prunable(artifacts: Path, keep: int) -> PruneResult:
    infos = bundles(artifacts)
    readable = [info for info in infos if info.created]
    removed = [info for info in readable[keep:] if not info.live]
    return PruneResult(removed, [info for info in infos if not info.created])


def _remove(artifacts: Path, bundle_id: str) -> None:
    """The bundle first: without it, nobody looks for the rest."""
    with bundle.open_library(artifacts) as library:
        if library.store is not None:
            library.store.delete(bundle_id)
    folder = bundle.bundle_path(artifacts, bundle_id)
    doomed = folder.with_name(f".{bundle_id}{REMOVED_SUFFIX}")
    if folder.is_dir():
        folder.rename(doomed)
    stores_of(artifacts).delete(bundle_id)
    for path in _beside(artifacts, bundle_id):
        path.unlink(missing_ok=True)
    shutil.rmtree(doomed, ignore_errors=not doomed.is_dir())


def _beside(artifacts: Path, bundle_id: str) -> list[Path]:
    """What belongs to a bundle and lies outside it, but for its vectors."""
    return [cache_path(artifacts, bundle_id), bundle.pending_path(artifacts, bundle_id)]


def _info(artifacts: Path, library: bundle.Library, bundle_id: str, live: str | None) -> BundleInfo:
    folder = bundle.bundle_path(artifacts, bundle_id)
    files = [*folder.rglob("*"), *_beside(artifacts, bundle_id)]
    size = sum(path.stat().st_size for path in files if path.is_file())
    size += stores_of(artifacts).size_bytes(bundle_id)
    try:
        manifest = library.manifest(bundle_id)
    except BundleError as error:
        return BundleInfo(bundle_id, bundle_id == live, size, problem=str(error))
    if not folder.is_dir():  # it is in the store alone
        size += sum(entry.size for entry in manifest.files.values())
    encoder = manifest.encoder
    return BundleInfo(bundle_id, bundle_id == live, size, manifest.created, encoder.name, encoder.stage, _map(manifest))


def _map(manifest: Manifest) -> float | None:
    """Of what was published: int8 is measured under its own name."""
    encoder = manifest.encoder
    measured = manifest.metrics.get("int8" if encoder.precision == "int8" else encoder.stage, {})
    return measured.get("map")
