"""Unpacking what publishers pack: nothing leaves the folder it is unpacked into, and a folder is there whole or not."""

import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from trainer.errors import SourceError


def unpack(archive: Path, folder: str) -> None:
    """Unpack the one `folder` that a tar or zip file holds into the place where the archive lies.

    Raises SourceError when the archive is broken, reaches outside of its place, or holds no such folder.
    """
    work = archive.with_name(f".{archive.name}.unpacking")
    shutil.rmtree(work, ignore_errors=True)  # of a run that was stopped
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, work)
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(work, filter="data")
        if not (work / folder).is_dir():
            raise SourceError(f"{archive} holds no folder {folder}. Is it the file that its name says?")
        (work / folder).replace(archive.with_name(folder))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise SourceError(f"{archive} cannot be unpacked: {error}. Delete it, and fetch it again.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _unzip(archive: Path, place: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                # ZipFile would put it somewhere else in silence; a publisher's archive has no such name.
                raise SourceError(f"{archive} cannot be unpacked: {name} lies outside of it.")
            file.extract(name, place)
