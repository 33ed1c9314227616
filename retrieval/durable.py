"""Writing as a whole or not at all, also in a power cut; whether it can be done, and why it was not."""

import errno
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from retrieval.errors import FolderNotWritable, StorageBusy, StorageError, StorageFull, StorageUnavailable

BUSY_SECONDS = 30  # how long the copy of a database waits for a writer
MIN_FREE_BYTES = 1 << 20
"""A disk with less room than this is full: a database grows by pages and by its log."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOLFS,
}

DRAFT = ".part"
"""What the name of an unfinished file or folder ends in; it begins with a dot."""


def sync(path: Path) -> None:
    """Make a file's content, or a folder's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def write_atomically(path: Path, *, several: bool = False, durable: bool = True) -> Iterator[Path]:
    """A name beside `path`, to write a file or a folder under; it takes the place of `path` at the end of the block.

    So whoever reads `path` sees all of the old file or all of the new one; so do those who read it after a power cut,
    unless `durable` is False. After an error, all is as before. What a killed process leaves is overwritten the next
    time. `several`: others may write the same path at the same time, and the last one counts. A folder takes no other
    folder's place: raises OSError.
    """
    draft = path.with_name(f".{path.name}{f'.{secrets.token_hex(8)}' if several else ''}{DRAFT}")
    _remove(draft)
    try:
        yield draft
        if durable:
            for each in (*draft.rglob("*"), draft):
                sync(each)
        draft.replace(path)
        if durable:
            sync(path.parent)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what is told
            _remove(draft)
        raise


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft)
    else:
        draft.unlink(missing_ok=True)


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database, which others may be writing to, into a new file: as it is at one moment.

    Raises sqlite3.Error where `source` is no database, OSError where there is none.
    """
    source.stat()
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as database,
        closing(sqlite3.connect(target)) as copy,
    ):
        database.backup(copy)  # all pages in one step, under one lock of readers
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it


def is_database_open(path: Path) -> bool:
    """Whether somebody else has a SQLite database in write-ahead mode open, as everything of ours does."""
    if not path.is_file():
        return False
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as database:
        try:
            (mode,) = database.execute("PRAGMA journal_mode = DELETE").fetchone()  # only who is alone may set it
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in SQLITE_BUSY:
                return True
            raise
        except sqlite3.DatabaseError:  # it is none
            return False
    return bool(mode != "delete")


def check_writable(folder: Path) -> None:
    """Raise FolderNotWritable unless files can be made in `folder`, or in the one above that it would be made in."""
    place = folder.absolute()
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    try:
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise FolderNotWritable(f"Nothing can be written in {folder}: {error.strerror}.") from error


def check_room(folder: Path) -> None:
    """Raise StorageError unless MIN_FREE_BYTES can be written into a folder that is there."""
    try:
        with TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, MIN_FREE_BYTES)
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:  # a file system that cannot set room aside
            raise storage_error(error, str(folder)) from error


def check_folder(folder: Path) -> None:
    """Raise StorageError where a folder that is there takes no files. One that is not there yet is no fault."""
    if folder.is_dir():
        check_room(folder)
    elif os.path.lexists(folder):
        raise StorageUnavailable(f"{folder} is not a folder; move it away")


def storage_error(error: OSError, what: str) -> StorageError:
    """Why `what` could not be written, from what the operating system says."""
    if error.errno in FULL:
        return StorageFull(f"{what} cannot be written: {error.strerror}; free room on the disk")
    return StorageUnavailable(f"{what} cannot be written: {error.strerror or error}")


def sqlite_storage_error(error: BaseException | None, what: str, file: str | Path | None) -> StorageError | None:
    """Why a change of the SQLite database `what` was not written; None where its file, not the disk, is the reason.

    `file`: where the database is, if it is a file.
    """
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in SQLITE_BUSY:
        return StorageBusy(f"{what} is locked by somebody else who writes ({error}); try again shortly")
    if primary == sqlite3.SQLITE_FULL or (primary in SQLITE_UNAVAILABLE and file is not None and _is_full(file)):
        return StorageFull(f"{what} cannot be written ({error}); free room on the disk")
    if primary in SQLITE_UNAVAILABLE:
        return StorageUnavailable(f"{what} cannot be written ({error}); see that its folder and files may be written")
    return None


def _is_full(file: str | Path) -> bool:
    """Whether the disk is full, as SQLite reports some of its consequences as other errors."""
    try:
        check_room(Path(file).absolute().parent)
    except StorageFull:
        return True
    except StorageError:
        return False
    return False
