"""When each item came into the catalogue.

Of the items that are there already, nobody noted it. They get the time at which the picture's file was last written: of
what was added through the API, that is when it was added. Where the file is not found beside the database (which is
where it is kept by default), they get the time of this upgrade.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BATCH = 5000
MICROSECONDS = 1_000_000

items = sa.table("items", sa.column("id"), sa.column("location"), sa.column("created"))
replies = sa.table("replies", sa.column("key"), sa.column("body"), sa.column("created"))


def upgrade() -> None:
    """Microseconds since 1970, UTC. What the index begins with is what pages of items are ordered by."""
    op.add_column("items", sa.Column("created", sa.BigInteger, nullable=False, server_default="0"))
    connection = op.get_bind()
    _fill_items(connection)
    _fill_replies(connection)
    op.create_index("items_created", "items", ["created", "id"])


def _fill_items(connection: sa.Connection) -> None:
    now = time.time_ns() // 1000
    database = connection.engine.url.database
    folder = Path(database).parent if connection.dialect.name == "sqlite" and database else None
    filling = sa.update(items).where(items.c.id == sa.bindparam("key")).values(created=sa.bindparam("time"))
    behind = sa.select(items.c.id, items.c.location).order_by(items.c.id).limit(BATCH)
    last = ""
    while rows := connection.execute(behind.where(items.c.id > last)).all():
        connection.execute(filling, [{"key": row.id, "time": _written(folder, row.location, now)} for row in rows])
        last = rows[-1].id


def _written(folder: Path | None, location: str, now: int) -> int:
    if folder is None:
        return now
    try:
        return min((folder / location).stat().st_mtime_ns // 1000, now)
    except (OSError, ValueError):
        return now


def _fill_replies(connection: sa.Connection) -> None:
    """A reply that is remembered is an item as JSON, and is given again: it must say what items say by now."""
    for reply in connection.execute(sa.select(replies)).all():
        body = json.loads(reply.body)
        created = connection.execute(sa.select(items.c.created).where(items.c.id == body["id"])).scalar_one_or_none()
        moment = datetime.fromtimestamp((created or reply.created * MICROSECONDS) / MICROSECONDS, UTC)
        body["created"] = moment.isoformat().replace("+00:00", "Z")
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        connection.execute(sa.update(replies).where(replies.c.key == reply.key).values(body=text))
