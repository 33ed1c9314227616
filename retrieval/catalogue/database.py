"""The database that the catalogue is kept in: SQLite (a file) or PostgreSQL (by URL), and transactions in it."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from retrieval.durable import sqlite_storage_error
from retrieval.errors import CatalogueError, StorageBusy, StorageError, StorageFull, StorageUnavailable

KINDS = ("sqlite", "postgresql")
BUSY_SECONDS = 30.0  # how long a writer waits for another one, unless a caller sets another time
# What PostgreSQL says where a change was not written, by SQLSTATE.
NOT_WRITTEN: dict[str, type[StorageError]] = {
    "53100": StorageFull,  # disk_full
    "55P03": StorageBusy,  # lock_not_available, after lock_timeout
    "25006": StorageUnavailable,  # read_only_sql_transaction, as on a standby
}
WRITE_LOCK = 0x6C6F6F6A  # any number, the same for all who write (PostgreSQL)
POOL_SIZE = 8  # connections kept open


class Database:
    """One database, shared by threads.

    Every method raises CatalogueError where it cannot answer, and StorageError where a change cannot be written.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """`busy_seconds`: how long a change waits for somebody else's before it is given up (StorageBusy)."""
        self.name = "the catalogue"
        """What messages call it: its URL, without the password."""
        with self._failures():
            parsed = sa.make_url(url)
            if parsed.drivername == "postgresql":  # to SQLAlchemy, that means the driver before psycopg 3
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.name = f"the catalogue {parsed.render_as_string(hide_password=True)}"
            self._file = parsed.database if parsed.get_backend_name() == "sqlite" else None
            self._engine = _engine(parsed, busy_seconds)

    @property
    def dialect(self) -> str:
        """Which kind of database it is: sqlite or postgresql."""
        return self._engine.dialect.name

    @contextmanager
    def transaction(self, *, writing: bool = False, brief: bool = False) -> Iterator[sa.Connection]:
        """All or nothing of what is done in it; reads see one state of the database.

        `writing`: other writers wait from its beginning on, so that what it reads is still true when it writes.
        `brief` (PostgreSQL): it waits for nobody but writers of the same row, and a crash of the database may undo it.
        """
        engine = self._engine.execution_options(writing=writing, brief=brief)
        with self._failures(writing=writing), engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections; nothing may be asked afterwards."""
        self._engine.dispose()

    @contextmanager
    def _failures(self, *, writing: bool = False) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            if writing and (not_written := self._not_written(reason)) is not None:
                raise not_written from error
            raise CatalogueError(
                f"{self.name} cannot be used ({reason}); see that its folder or server can be reached and "
                "written, and that it is a database; a damaged file can be moved away and published again"
            ) from error

    def _not_written(self, reason: BaseException) -> StorageError | None:
        """Why a change was not written; None where the database itself is the reason."""
        state = getattr(reason, "sqlstate", None) or getattr(reason, "pgcode", None)
        if state in NOT_WRITTEN:
            return NOT_WRITTEN[state](f"{self.name} cannot be written ({reason})")
        return sqlite_storage_error(reason, self.name, self._file)


def _engine(url: sa.URL, busy_seconds: float) -> sa.Engine:
    kind = url.get_backend_name()
    if kind not in KINDS:
        raise CatalogueError(f"a catalogue cannot be kept in {kind}; name a {' or '.join(KINDS)} URL")
    # Callers bound their threads, so that no query need wait for a connection as well.
    pool: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": -1}
    if kind == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": busy_seconds}, **pool)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = sa.create_engine(url, pool_pre_ping=True, **pool)
    except ImportError as error:
        raise CatalogueError(
            f"a catalogue in {kind} needs its driver: pip install 'lookalike[postgresql]' ({error})"
        ) from error
    sa.event.listen(engine, "begin", _begin_postgresql(busy_seconds))
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver itself would begin transactions before writes only
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # what was committed survives a power cut


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writing") else "BEGIN")


def _begin_postgresql(busy_seconds: float) -> Callable[[sa.Connection], None]:
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("brief"):
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        elif options.get("writing"):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(1000 * busy_seconds)}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    return begin


def _use_wal(connection: sqlite3.Connection) -> None:
    """Write ahead, so that readers and a writer do not wait for each other. The file remembers it.

    While another process does the same to a new file, SQLite says "busy" at once instead of waiting.
    """
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the lower byte is the primary code
            if not busy or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
