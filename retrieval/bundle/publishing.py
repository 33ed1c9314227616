"""The file CURRENT: which bundle is live, where no database says so."""

from pathlib import Path

from retrieval.durable import storage_error, sync, write_atomically
from retrieval.errors import BundleDamaged, BundleMissing

CURRENT = "CURRENT"


def read_current(artifacts: Path) -> str:
    """The id of the published bundle. Raises BundleMissing when nothing has been published."""
    path = artifacts / CURRENT
    try:
        return path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise BundleMissing(
            f"Nothing is published in {artifacts}. Train first: make demo, or lookalike train --help."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleDamaged(f"{path} cannot be read: {error}") from error


def write_current(artifacts: Path, bundle_id: str) -> None:
    """Replace CURRENT, atomically. Raises StorageError."""
    path = artifacts / CURRENT
    try:
        with write_atomically(path, several=True) as draft:
            draft.write_text(bundle_id + "\n", encoding="ascii")
            sync(artifacts)  # the folders of bundles and vectors may be new: CURRENT must not outlive them
    except OSError as error:
        raise storage_error(error, str(path)) from error


def version_of_current(artifacts: Path) -> object:
    """What changes whenever CURRENT is written."""
    try:
        status = (artifacts / CURRENT).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
