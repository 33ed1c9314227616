"""Restoring a backup into an artifacts folder, and going back to what was there before.

The backup is verified and copied beside what is there; then names are changed: what is there goes to
`.replaced-<time>`, which `undo` changes back in the same way. CURRENT goes first and comes last, so that a server never
finds half of what it names.
"""

import filecmp
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import file_digest
from itertools import count
from pathlib import Path

from retrieval.catalogue.copies import CatalogueFile
from retrieval.durable import sync, write_atomically
from retrieval.errors import BundleError
from trainer.backup.contents import (
    ARTIFACTS,
    CATALOGUE,
    ELSEWHERE,
    OWNED,
    About,
    elsewhere_name,
    read_about,
    verify,
)
from trainer.bundles import stores_of
from trainer.errors import BackupError
from trainer.progress import Listener, Progress
from trainer.releases import log, pinned
from trainer.releases.lock import alone

USED = "Somebody is using {artifacts}. Stop the API that serves it, and all training, first."
INCOMING, REPLACED = ".restored", ".replaced-"
PICTURES = "pictures"
"""Where those pictures go that lay outside the artifacts folder, and are not there any more."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and where that is now which was there before; None where there was nothing."""

    about: About
    replaced: Path | None


def restore(source: Path, artifacts: Path, listener: Listener, *, replacing: bool = False) -> Restored:
    """Restore the backup in `source`; `replacing`: although there is something already, which is put aside.

    Raises BackupError where the backup is damaged, something is there, or somebody uses it; then nothing has changed.
    """
    about = read_about(source)
    existing = [name for name in OWNED if (artifacts / name).exists()]
    if existing and not replacing:
        raise BackupError(
            f"{artifacts} has a {existing[-1]} already. With --replace, what is there is put aside, and "
            "`lookalike restore --undo` brings it back."
        )
    with listener.step("Verifying the backup") as progress:
        sums = verify(source, progress)
    with alone(artifacts):
        _check_unused(artifacts)
        if (artifacts / INCOMING).exists():  # of a restore that was killed
            shutil.rmtree(artifacts / INCOMING)
        with write_atomically(artifacts / INCOMING) as draft, listener.step("Copying") as progress:
            _copy(source / ARTIFACTS, draft, progress)
            _take_in(source, artifacts, draft, sums)
        replaced = _exchange(artifacts, artifacts / INCOMING)
    return Restored(about, replaced)


def undo(artifacts: Path) -> Path | None:
    """Bring back what the last restore replaced; where that is now which it had brought. Raises BackupError."""
    with alone(artifacts):
        former = sorted(artifacts.glob(f"{REPLACED}*"))
        if not former:
            raise BackupError(f"No restore has replaced anything in {artifacts}.")
        _check_unused(artifacts)
        return _exchange(artifacts, former[-1])


def _check_unused(artifacts: Path) -> None:
    with suppress(BundleError):  # a folder that is damaged may be restored, too
        live = log.live_id(artifacts)
        if live and stores_of(artifacts).is_open(live):
            raise BackupError(USED.format(artifacts=artifacts))
    if CatalogueFile(artifacts / CATALOGUE).is_open():
        raise BackupError(USED.format(artifacts=artifacts))


def _copy(source: Path, draft: Path, progress: Progress) -> None:
    total, done = sum(not path.is_dir() for path in source.rglob("*")), count(1)

    def copy(path: str, target: str) -> None:
        shutil.copy2(path, target)
        progress(next(done), total)

    shutil.copytree(source, draft, copy_function=copy)


def _take_in(source: Path, artifacts: Path, draft: Path, sums: Mapping[str, str]) -> None:
    """Put the pictures of elsewhere that are not where they were, or have changed, into the folder itself."""
    catalogue, pins = CatalogueFile(draft / CATALOGUE), pinned.read(draft) or []
    places = [item.location for item in catalogue.items()] + [str(pin.path) for pin in pins]
    moved: dict[str, str] = {}
    for location in dict.fromkeys(places):
        name = elsewhere_name(location)
        digest = sums.get(f"{ELSEWHERE}/{name}")
        if digest is None or _digest(artifacts / location) == digest:
            continue
        (draft / PICTURES / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / ELSEWHERE / name, draft / PICTURES / name)
        moved[location] = f"{PICTURES}/{name}"
    if moved:
        catalogue.relocate(moved)
        home = draft.absolute()
        pinned.write(draft, [replace(pin, path=home / moved.get(str(pin.path), pin.path)) for pin in pins])


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _exchange(artifacts: Path, incoming: Path) -> Path | None:
    """Let what is in `incoming` take the place of what is there, which goes to a new folder; None if that is empty."""
    replaced = artifacts / f"{REPLACED}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    replaced.mkdir()
    for name in (*OWNED, f"{CATALOGUE}-wal", f"{CATALOGUE}-shm"):
        _move(artifacts, replaced, name)
    for path in sorted(incoming.rglob("*")):
        name = path.relative_to(incoming).as_posix()
        if path.is_dir() or name.split("/")[0] in OWNED or _is_same(path, artifacts / name):
            continue
        _move(artifacts, replaced, name)
        _move(incoming, artifacts, name)
    for name in reversed(OWNED):
        _move(incoming, artifacts, name)
    sync(artifacts)
    shutil.rmtree(incoming)
    if any(replaced.iterdir()):
        return replaced
    replaced.rmdir()
    return None


def _move(source: Path, target: Path, name: str) -> None:
    if (source / name).exists():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).rename(target / name)


def _is_same(path: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(path, other, shallow=False)
