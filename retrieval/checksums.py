"""The files of a folder and their checksums: written down once, compared whenever one is read."""

from collections.abc import Mapping
from hashlib import sha256
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


def read(folder: Path, files: Mapping[str, FileEntry], name: str) -> bytes:
    """The bytes of one file, once they have been compared with its entry. Raises BundleDamaged."""
    path = folder / name
    if name not in files:
        raise BundleDamaged(f"{folder}: its manifest does not list {name}.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleDamaged(f"{folder}: its manifest lists {name}, which lies outside the bundle.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleDamaged(f"{path} cannot be read ({error}). Publish another bundle, or train again.") from error
    expected, found = files[name], _entry(data)
    if found.sha256 != expected.sha256:
        raise BundleDamaged(
            f"{path} has changed: {found.size} bytes with SHA-256 {found.sha256}; "
            f"its manifest says {expected.size} bytes with {expected.sha256}. Publish another bundle, or train again."
        )
    return data


def read_arrays(
    folder: Path, files: Mapping[str, FileEntry], name: str, keys: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, read as `read` does and without pickle. Raises BundleDamaged."""
    try:
        with np.load(BytesIO(read(folder, files, name)), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in keys}
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise BundleDamaged(f"{folder / name} does not hold the arrays {', '.join(keys)}: {error}") from error


def _entry(data: bytes) -> FileEntry:
    return FileEntry(sha256=sha256(data).hexdigest(), size=len(data))
