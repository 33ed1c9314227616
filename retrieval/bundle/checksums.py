"""The files of a folder and their checksums: written down once, compared whenever one is read."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest, sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import BundleDamaged
from retrieval.manifest import FileEntry


def names(folder: Path) -> list[str]:
    """Every file below the folder, relative to it, with slashes."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def entries(folder: Path) -> dict[str, FileEntry]:
    """Every file below the folder as it is now, by name."""
    return {name: _entry((folder / name).read_bytes()) for name in names(folder)}


def line(content: bytes) -> bytes:
    """What a file beside another one says of its content."""
    return sha256(content).hexdigest().encode() + b"\n"


def check(folder: Path, files: Mapping[str, FileEntry]) -> None:
    """Compare every file with its entry, several at a time and piece by piece. Raises BundleDamaged."""

    def check_one(name: str) -> None:
        path = inside(folder, name)
        try:
            with path.open("rb") as file:
                actual = FileEntry(sha256=file_digest(file, "sha256").hexdigest(), size=file.tell())
        except OSError as error:
            raise _unreadable(path, error) from error
        _compare(path, actual, files[name])

    with ThreadPoolExecutor() as threads:  # the hash is computed outside Python's lock
        for _ in threads.map(check_one, files):
            pass  # raises what was raised there


def read(folder: Path, files: Mapping[str, FileEntry], name: str) -> bytes:
    """The bytes of one file, once they have been compared with its entry. Raises BundleDamaged."""
    if name not in files:
        raise BundleDamaged(f"{folder}: its manifest does not list {name}.")
    path = inside(folder, name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    _compare(path, _entry(data), files[name])
    return data


def read_arrays(
    folder: Path, files: Mapping[str, FileEntry], name: str, keys: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, and those of `optional` that are there; read as `read` does and without pickle.

    Raises BundleDamaged.
    """
    try:
        with np.load(BytesIO(read(folder, files, name)), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in (*keys, *(key for key in optional if key in arrays))}
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise BundleDamaged(f"{folder / name} does not hold the arrays {', '.join(keys)}: {error}") from error


def inside(folder: Path, name: str) -> Path:
    """Where a file of a manifest is. Raises BundleDamaged for a name that leads out of the folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleDamaged(f"{folder}: its manifest lists {name}, which lies outside the bundle.")
    return path


def _entry(data: bytes) -> FileEntry:
    return FileEntry(sha256=sha256(data).hexdigest(), size=len(data))


def _compare(path: Path, actual: FileEntry, expected: FileEntry) -> None:
    if actual.sha256 != expected.sha256:
        raise BundleDamaged(
            f"{path} has changed: {actual.size} bytes with SHA-256 {actual.sha256}; "
            f"its manifest says {expected.size} bytes with {expected.sha256}. Publish another bundle, or train again."
        )


def _unreadable(path: Path, error: OSError) -> BundleDamaged:
    return BundleDamaged(f"{path} cannot be read ({error}). Publish another bundle, or train again.")
