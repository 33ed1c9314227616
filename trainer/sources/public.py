"""A public data set: which files it has, how they come here, and what to do by hand where no program may fetch them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import requests

from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources.base import Listing
from trainer.sources.fetch.archives import unpack
from trainer.sources.fetch.remote import RemoteFile, fetch_file, verify
from trainer.sources.folder.system import is_system_folder


def read_rows(file: Path) -> list[list[str]]:
    """The rows of `file`, without the blank ones. Raises SourceError when it cannot be read."""
    try:
        return [cells for line in file.read_text(encoding="utf-8").splitlines() if (cells := line.split())]
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file} cannot be read as text: {error}") from error


def innermost(folder: Path) -> Path:
    """The folder itself, or the one in it where it holds nothing else: copies of data sets are often packed twice."""
    while folder.is_dir():
        with os.scandir(folder) as entries:
            visible = list(islice((entry for entry in entries if not is_system_folder(entry.name)), 2))
        if len(visible) != 1 or not visible[0].is_dir() or visible[0].name != folder.name:
            break
        folder = Path(visible[0].path)
    return folder


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as its publisher offers it. `read` lists its pictures, given the folder in which its files lie.

    `page` is where a person finds the files, `advice` what to know there.
    """

    name: str
    page: str
    files: tuple[RemoteFile, ...]
    read: Callable[[Path], Listing]
    advice: str = ""

    def missing(self, folder: Path) -> list[RemoteFile]:
        """The files that reading needs and that do not lie in `folder`, or not unpacked."""
        return [file for file in self.files if not file.is_in(folder)]


def download(data_set: DataSet, folder: Path, progress: Progress | None = None) -> None:
    """Bring into `folder` what is missing of a data set: fetched, verified, unpacked. What is there is left alone.

    Raises SourceError that says what to fetch by hand where a file cannot be fetched.
    """
    try:
        for file in data_set.missing(folder):
            _bring(file, folder, progress)
        why = "its publisher asks for a login"
    except requests.RequestException as error:
        why = f"it could not be fetched from here ({type(error).__name__})"
    if data_set.missing(folder):
        raise SourceError(by_hand(data_set, folder, why))


def by_hand(data_set: DataSet, folder: Path, why: str) -> str:
    """What a person can do about the files of a data set that are not in `folder`."""
    files = ", ".join(file.name for file in data_set.missing(folder))
    return (
        f"{data_set.name} is not complete in {folder}, and {why}. Fetch {files} by hand from {data_set.page}"
        f"{data_set.advice}. Put them into {folder}, and run `lookalike download {data_set.name} "
        f"--dir {folder}`, which checks and unpacks them. If they already lie unpacked elsewhere, name that folder as "
        "dir under [source] in the configuration."
    )


def _bring(file: RemoteFile, folder: Path, progress: Progress | None) -> None:
    if (folder / file.name).exists():
        verify(file, folder / file.name)  # put there by hand, or by a run that was stopped
    elif file.url is None:
        return
    else:
        fetch_file(file, file.url, folder, progress)
    if file.unpacked:
        unpack(folder / file.name, file.unpacked)
