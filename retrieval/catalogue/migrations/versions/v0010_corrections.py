"""Corrections: what the source said of items that people changed, by the history where that tells it."""

import json
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ITEM_ID = sa.String(128).with_variant(sa.String(128, "C"), "postgresql")


def upgrade() -> None:
    """Of an item that is as its last change left it, the source said what was before the first of these changes."""
    corrections = op.create_table(
        "corrections",
        sa.Column("item", ITEM_ID, primary_key=True),
        sa.Column("label", sa.Text),
        sa.Column("attributes", sa.JSON, nullable=False),
    )
    items = sa.table(
        "items", sa.column("id"), sa.column("label"), sa.column("attributes", sa.JSON), sa.column("origin")
    )
    history = sa.table(
        "history", sa.column("item"), sa.column("entry"), sa.column("before", sa.JSON), sa.column("after", sa.JSON)
    )
    connection = op.get_bind()
    changes = (
        sa.select(history.c.item, history.c.before, history.c.after, items.c.label, items.c.attributes)
        .join(items, items.c.id == history.c.item)
        .where(items.c.origin == "source")
        .order_by(history.c.item, history.c.entry.desc())
    )
    now: dict[str, str] = {}
    said: dict[str, dict[str, object]] = {}
    for row in connection.execute(changes):
        state = said.get(row.item, {"label": row.label, "attributes": row.attributes})
        now.setdefault(row.item, _text(state))
        if _text(row.after) == _text(state):  # otherwise a training run came in between, and all before it is over
            said[row.item] = {"label": row.before["label"], "attributes": row.before["attributes"]}
    rows = [{"item": item, **state} for item, state in said.items() if _text(state) != now[item]]
    if rows:
        connection.execute(sa.insert(corrections), rows)


def _text(state: Mapping[str, object]) -> str:
    return json.dumps([state["label"], state["attributes"]], sort_keys=True)
