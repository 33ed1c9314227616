"""What is in a backup, and whether it is whole.

backup.json    format, when and of what it was made, and the SHA-256 of SHA256SUMS
SHA256SUMS     a line for each file below the folder, as `sha256sum --check` reads it
artifacts/     an artifacts folder: CURRENT, PUBLISHED, pinned.csv, catalogue.sqlite, bundles/, vectors/, pending/,
               images/, and the pictures that lie elsewhere in the folder, each in its place
elsewhere/     the pictures that lie outside the artifacts folder, by the SHA-256 of where they are
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer.errors import BackupError
from trainer.progress import Progress

FORMAT_VERSION = 1
ABOUT, SUMS, ARTIFACTS, ELSEWHERE = "backup.json", "SHA256SUMS", "artifacts", "elsewhere"
CATALOGUE = "catalogue.sqlite"

OWNED = ("CURRENT", "PUBLISHED", "pinned.csv", "pending", "vectors", "bundles", "images", CATALOGUE)
"""What of an artifacts folder belongs together, so that a restore replaces it as a whole."""

MAX_SHOWN = 5

Count = Annotated[int, Field(ge=0)]


class Missing(BaseModel):
    """A picture that could not be copied; its item is in the backup without it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    location: str
    reason: str


class About(BaseModel):
    """backup.json. `items`, `pictures` and `bundles` are counts; `live` is the bundle that CURRENT names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int
    created: datetime
    live: str | None
    items: Count
    pictures: Count
    bundles: Count
    bytes: Count
    missing: tuple[Missing, ...]
    sums_sha256: str


def is_inside(location: str) -> bool:
    """Whether an item's picture lies in the artifacts folder: `location` is relative, and leads nowhere else."""
    return not Path(location).is_absolute() and not os.path.normpath(location).startswith("..")


def is_backup(folder: Path) -> bool:
    """Whether a folder says that it is a backup."""
    return (folder / ABOUT).is_file()


def elsewhere_name(location: str) -> str:
    """Where in the backup the picture is that lies at this location outside the artifacts folder."""
    digest = sha256(os.fsencode(location)).hexdigest()
    suffix = Path(location).suffix.lower()
    return f"{digest[:2]}/{digest}{suffix if suffix[1:].isalnum() and suffix.isascii() else ''}"


def write_sums(folder: Path, progress: Progress) -> tuple[str, int]:
    """Write SHA256SUMS of all files below the folder; its own SHA-256, and how many bytes the files have."""
    names = sorted(_names(folder))
    size = sum((folder / name).stat().st_size for name in names)
    lines = [_line(digest, name) for name, digest in zip(names, _digests(folder, names, progress), strict=True)]
    content = b"".join(lines)
    (folder / SUMS).write_bytes(content)
    return sha256(content).hexdigest(), size


def read_about(folder: Path) -> About:
    """backup.json. Raises BackupError where there is none, or it is of a format that this version does not read."""
    path = folder / ABOUT
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BackupError(f"{folder} is no backup: {path} cannot be read ({error.strerror}).") from error
    try:
        version = _Version.model_validate_json(text).format_version
        if version != FORMAT_VERSION:
            raise BackupError(
                f"{path} has the format version {version}, and this Lookalike reads {FORMAT_VERSION}. "
                "Restore it with the version that wrote it."
            )
        return About.model_validate_json(text)
    except ValidationError as error:
        raise BackupError(f"{path} is no description of a backup: {error.errors()[0]['msg']}.") from error


def verify(folder: Path, progress: Progress) -> Mapping[str, str]:
    """The SHA-256 of each file by name, once all are compared. Raises BackupError for one that changed, is missing or
    is not listed."""
    sums = _read_sums(folder, read_about(folder).sums_sha256)
    names = set(_names(folder)) - {SUMS, ABOUT}
    faults = [f"{name} is missing" for name in sorted(sums.keys() - names)]
    faults += [f"{name} is not listed" for name in sorted(names - sums.keys())]
    files = sorted(names & sums.keys())
    for name, digest in zip(files, _digests(folder, files, progress), strict=True):
        if digest != sums[name]:
            faults.append(f"{name} has changed")
    if faults:
        more = f", and {len(faults) - MAX_SHOWN} more" if len(faults) > MAX_SHOWN else ""
        raise BackupError(
            f"The backup {folder} is damaged: {'; '.join(faults[:MAX_SHOWN])}{more}. Restore another one."
        )
    return sums


class _Version(BaseModel):
    format_version: int


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise BackupError(f"{path} is a link; there is none in a backup.")
        if not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _digests(folder: Path, names: list[str], progress: Progress) -> Iterator[str]:
    def digest(name: str) -> str:
        with (folder / name).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    with ThreadPoolExecutor() as threads:  # the hash is computed outside Python's lock
        for done, entry in enumerate(threads.map(digest, names), start=1):
            progress(done, len(names))
            yield entry


def _line(digest: str, name: str) -> bytes:
    """As sha256sum writes it: a name with a line feed or a backslash is escaped, and the line begins with one."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return os.fsencode(f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n")


def _read_sums(folder: Path, expected: str) -> dict[str, str]:
    try:
        content = (folder / SUMS).read_bytes()
    except OSError as error:
        raise BackupError(f"The backup {folder} is damaged: {SUMS} cannot be read ({error.strerror}).") from error
    if sha256(content).hexdigest() != expected:
        raise BackupError(f"The backup {folder} is damaged: {SUMS} has changed.")
    sums = {}
    for line in os.fsdecode(content).split("\n")[:-1]:
        escaped = line.startswith("\\")
        digest, _, name = line.removeprefix("\\").partition("  ")
        sums[_unescape(name) if escaped else name] = digest
    return sums


def _unescape(name: str) -> str:
    parts = name.split("\\\\")
    return "\\".join(part.replace("\\n", "\n").replace("\\r", "\r") for part in parts)
