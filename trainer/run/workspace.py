"""A run's folder of unfinished work: it outlives a kill, so that --resume can go on, and goes when the run is done."""

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from retrieval import bundle
from retrieval.errors import BundleError
from trainer.config import Config

ABOUT = "run.json"
LOCK = "run.lock"


@contextmanager
def workspace(
    artifacts: Path, source: str, config: Config, *, resume: bool, sweeps: bool = True
) -> Iterator[tuple[Path, bool]]:
    """A folder named by the bundle that is to be, and whether it holds work of a run that was stopped.

    With `resume`: that of the last run on the same source with the same configuration, if one was stopped. What other
    stopped runs left is removed, unless `sweeps` is off; a run that is still going is left alone.
    """
    home = artifacts / "work"
    home.mkdir(parents=True, exist_ok=True)
    about = {"source": source, "config": config.model_dump(mode="json")}
    stopped = _stopped(home, about) if resume else None
    folder = stopped or home / (datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2))
    if sweeps:
        _sweep(home, keep=stopped)
    folder.mkdir(exist_ok=True)
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    with FileLock(folder / LOCK):
        yield folder, stopped is not None
    shutil.rmtree(folder, ignore_errors=True)


def _stopped(home: Path, about: Mapping[str, Any]) -> Path | None:
    """The newest folder of the same run that nobody works in."""
    published = _published(home.parent)
    for folder in sorted(home.iterdir(), reverse=True):
        if folder.name == published:  # killed after its last step
            continue
        try:
            same = json.loads((folder / ABOUT).read_text(encoding="utf-8")) == about
        except (OSError, ValueError):
            continue
        if same and _idle(folder):
            return folder
    return None


def _published(artifacts: Path) -> str | None:
    try:
        return bundle.current(artifacts)
    except BundleError:
        return None


def _sweep(home: Path, keep: Path | None) -> None:
    for folder in home.iterdir():
        if folder != keep and _idle(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _idle(folder: Path) -> bool:
    try:
        with FileLock(folder / LOCK, timeout=0):
            return True
    except (Timeout, OSError):
        return False
