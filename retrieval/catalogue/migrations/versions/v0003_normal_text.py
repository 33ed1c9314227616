"""Labels, attributes and ids in their normal form, in which filters and requests look for them since this version.

What is called the same already by another item or attribute stays as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from retrieval.text import nfc, normal

revision = "0003"
down_revision = "0002"

BATCH = 5000

items = sa.table("items", sa.column("id"), sa.column("label"), sa.column("attributes", sa.JSON))
dismissals = sa.table("dismissals", sa.column("dismissal"), sa.column("item"))


def upgrade() -> None:
    """Write the rows that are not in normal form."""
    connection = op.get_bind()
    batch = sa.select(items.c.id, items.c.label, items.c.attributes).order_by(items.c.id).limit(BATCH)
    last, renamed = "", []
    while rows := connection.execute(batch.where(items.c.id > last)).all():
        for row in rows:
            label = row.label if row.label is None else normal(row.label) or None
            attributes = _normal_attributes(row.attributes)
            if label != row.label or attributes != row.attributes:
                changed = {"label": label, "attributes": attributes}
                connection.execute(sa.update(items).where(items.c.id == row.id).values(changed))
            if nfc(row.id) != row.id:
                renamed.append(row.id)
        last = rows[-1].id
    _rename(connection, renamed)


def _normal_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: normal(name) for name in attributes}
    kept = {name for name in names if name == names[name] or not names[name]}
    changed: dict[str, Any] = {}
    for name, value in attributes.items():
        new = names[name] if name not in kept and names[name] not in kept | changed.keys() else name
        changed[new] = normal(value) if isinstance(value, str) else value
    return changed


def _rename(connection: sa.Connection, ids: Iterable[str]) -> None:
    """Vectors are kept by id: those of the old ids are swept at the next start, and the items embedded again."""
    for old in ids:
        new = nfc(old)
        if connection.execute(sa.select(items.c.id).where(items.c.id == new)).first() is None:
            connection.execute(sa.update(items).where(items.c.id == old).values(id=new))
            connection.execute(sa.update(dismissals).where(dismissals.c.item == old).values(item=new))
