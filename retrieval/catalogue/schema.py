"""The version of a catalogue's tables, and the way from an earlier version to this one, which is taken at opening.

The migrations are Alembic's, in migrations/versions. All that a database needs run in one transaction, under a lock
that whoever else opens the database waits for; so it is of the old version or of the new one, whatever happens.
"""

import logging
from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue.database import BUSY_SECONDS, Database
from retrieval.catalogue.facts.rebuild import rebuild
from retrieval.catalogue.facts.tables import STATE
from retrieval.errors import CatalogueError

if TYPE_CHECKING:
    from alembic.config import Config

logger = logging.getLogger(__name__)

VERSION = "0014"
"""The newest migration's: what this code reads and writes."""

MIGRATIONS = "retrieval.catalogue:migrations"
UPGRADE_LOCK = 0x6C6F6F6B  # any number, the same for all who upgrade (PostgreSQL)

# What was there before there were versions: these tables, or the first ones of them.
FIRST_TABLES = {
    "items": (
        "attributes",
        "height",
        "id",
        "label",
        "location",
        "media_type",
        "origin",
        "replacement",
        "sha256",
        "width",
    ),
    "replies": ("body", "created", "key", "request", "status"),
    "dismissals": ("dismissal", "item"),
}


def open_database(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Database:
    """The database at `url`, with its tables made, or brought to this version; `busy_seconds` as in Database.

    Raises CatalogueError where it cannot be used, is of a newer version, or its tables are another program's; and
    StorageError where its tables cannot be written.
    """
    database = Database(url, busy_seconds=busy_seconds)
    try:
        upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def upgrade(database: Database) -> None:
    """Run the migrations that the database has not had, and make anew what is derived from items that were changed.

    Raises CatalogueError; then nothing of it has changed.
    """
    with database.transaction() as connection:  # a reader's: nobody waits where nothing is to be done
        if _version(connection) == VERSION and not _is_stale(connection):
            return
    from alembic import command
    from alembic.config import Config

    with database.transaction(writing=True) as connection:  # which other writers wait for (SQLite)
        if database.dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))
        version = _version(connection)  # another process may have been faster
        if version == VERSION:
            if _is_stale(connection):
                rebuild(connection)
            return
        config = Config()
        config.set_main_option("script_location", MIGRATIONS)
        config.attributes["connection"] = connection
        _check(database, connection, version, config)
        logger.info("%s: from version %s to %s", database.name, version or "none", VERSION)
        command.upgrade(config, VERSION)
        if _is_stale(connection):
            rebuild(connection)


def _is_stale(connection: sa.Connection) -> bool:
    """Whether items have been changed without what is derived from them."""
    has_state = sa.inspect(connection).has_table(STATE.name)  # since version 0006
    return has_state and bool(connection.execute(sa.select(STATE.c.stale)).scalar_one())


def _version(connection: sa.Connection) -> str | None:
    """What Alembic has noted; None where it has not noted anything."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(sa.text("SELECT max(version_num) FROM alembic_version")).scalar_one()
    return version


def _check(database: Database, connection: sa.Connection, version: str | None, config: "Config") -> None:
    """Raises CatalogueError unless the migrations can begin from what there is."""
    from alembic.script import ScriptDirectory

    if version is not None:
        if version not in {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}:
            raise CatalogueError(
                f"{database.name} is of version {version!r}, and this Lookalike knows versions up to {VERSION!r}: a "
                "newer Lookalike, or another program, wrote it. Install that Lookalike, or name another database."
            )
        return
    inspector = sa.inspect(connection)
    for table in FIRST_TABLES.keys() & set(inspector.get_table_names()):
        columns = ", ".join(sorted(column["name"] for column in inspector.get_columns(table)))
        expected = ", ".join(FIRST_TABLES[table])
        if columns != expected:
            raise CatalogueError(
                f"{database.name} has a table {table} with the columns {columns}, not {expected}: another program "
                "wrote it. Name another database, or move that table away."
            )
