"""Which bundle is served: read and replace CURRENT."""

from contextlib import suppress
from pathlib import Path

from retrieval.bundle.layout import bundle_path
from retrieval.bundle.reading import load, verify
from retrieval.durable import storage_error, sync, write_atomically
from retrieval.errors import BundleDamaged, BundleMissing


def current(artifacts: Path) -> str:
    """The id of the published bundle. Raises BundleMissing when nothing has been published."""
    try:
        return (artifacts / "CURRENT").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise BundleMissing(
            f"Nothing is published in {artifacts}. Train first: make demo, or lookalike train --help."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleDamaged(f"{artifacts / 'CURRENT'} cannot be read: {error}") from error


def publish(artifacts: Path, bundle_id: str, *, forced: bool = False) -> None:
    """Make one bundle the served one, atomically.

    Raises BundleError when it does not verify; forced: when it cannot be loaded. Raises StorageError.
    """
    folder = bundle_path(artifacts, bundle_id)
    if forced:
        load(folder)  # whatever else is wrong with it, it starts
    else:
        verify(folder)
    _name_in_current(artifacts, bundle_id)


def take_back(artifacts: Path, bundle_id: str, former: str) -> None:
    """Let CURRENT name the former bundle again if it still names this one, atomically; neither is looked at."""
    with suppress(BundleMissing, BundleDamaged):  # then it does not name it
        if current(artifacts) == bundle_id:
            _name_in_current(artifacts, former)


def _name_in_current(artifacts: Path, bundle_id: str) -> None:
    path = artifacts / "CURRENT"
    try:
        with write_atomically(path, several=True) as draft:
            draft.write_text(bundle_id + "\n", encoding="ascii")
            sync(artifacts)  # the folders of bundles and vectors may be new: CURRENT must not outlive them
    except OSError as error:
        raise storage_error(error, str(path)) from error
