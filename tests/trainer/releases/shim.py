"""Sees every file operation of this process below a folder, just before it is done. There is no way back from it."""

import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval import durable

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
EVENTS = {"os.mkdir": 2, "os.remove": 1, "os.rmdir": 1}
"""Those with one path, and where their arguments name the folder that it is relative to."""


@dataclass(frozen=True)
class Operation:
    """`kind` is open (for writing), rename, mkdir, remove, rmdir, fsync, or SQLite's connect or sql (one statement).

    `path` is relative to the folder.
    """

    kind: str
    path: str
    site: str = ""
    """Which line of the project asked for an fsync."""


def watch(folder: Path, see: Callable[[Operation], None]) -> None:
    """Call `see` before every operation from now on."""
    descriptors: dict[int, str] = {}
    opening, syncing, connecting = os.open, os.fsync, sqlite3.connect
    home = str(folder.absolute()) + os.sep
    looking = False

    def report(kind: str, path: Any, within: int = -1, site: str = "") -> None:
        nonlocal looking
        if looking or not isinstance(path, str | bytes | os.PathLike):  # what `see` does itself; an open descriptor
            return
        whole = os.path.abspath(Path(descriptors.get(within, ""), os.fsdecode(path)))  # noqa: PTH100  # follows no links
        if (whole + os.sep).startswith(home):
            looking = True
            try:
                see(Operation(kind, whole[len(home) :], site))
            finally:
                looking = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            report("open", arguments[0])
        elif event in EVENTS:
            report(event.removeprefix("os."), arguments[0], arguments[EVENTS[event]])
        elif event == "os.rename":
            report("rename", arguments[1], arguments[3])

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = opening(path, flags, mode, dir_fd=dir_fd)
        base = descriptors.get(-1 if dir_fd is None else dir_fd, "")
        descriptors[descriptor] = os.path.join(base, os.fsdecode(path))  # noqa: PTH118
        return descriptor

    def fsync(descriptor: int) -> None:
        caller: Any = sys._getframe(2)  # of retrieval.durable.sync
        site = f"line {caller.f_lineno}"
        while caller.f_code.co_filename in (contextlib.__file__, durable.__file__):  # within write_atomically
            caller = caller.f_back
            site = f"line {caller.f_lineno}, {site}"
        report("fsync", descriptors.get(descriptor), site=f"{caller.f_code.co_qualname}, {site}")
        syncing(descriptor)

    def connect(database: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        path = str(database).removeprefix("file://").partition("?")[0]
        report("connect", path)
        connection = connecting(database, *arguments, **options)
        connection.set_trace_callback(lambda _statement: report("sql", path))
        return connection

    vars(os).update(open=open_, fsync=fsync)
    vars(sqlite3).update(connect=connect)
    vars(sqlite3.dbapi2).update(connect=connect)
    sys.addaudithook(hook)
