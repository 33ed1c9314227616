"""Replies that are remembered tell the SHA-256 of the item's picture, as items do by now."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

items = sa.table("items", sa.column("id"), sa.column("sha256"))
replies = sa.table("replies", sa.column("key"), sa.column("body"))


def upgrade() -> None:
    """A reply about an item that is gone stays as it is: nobody knows its picture any more."""
    connection = op.get_bind()
    for reply in connection.execute(sa.select(replies)).all():
        body = json.loads(reply.body) if reply.body else None
        if not isinstance(body, dict) or "image_url" not in body or "sha256" in body:
            continue
        digest = connection.execute(sa.select(items.c.sha256).where(items.c.id == body["id"])).scalar_one_or_none()
        if digest is not None:
            text = json.dumps(body | {"sha256": digest}, ensure_ascii=False, separators=(",", ":"))
            connection.execute(sa.update(replies).where(replies.c.key == reply.key).values(body=text))
