"""Many items are described anew at once, and a change of many is undone. Blocking."""

from collections.abc import Iterable
from datetime import UTC, datetime

from api.errors import Refusal
from api.items.replies import Answer, Ticket, live_of, once, remember
from api.items.update import described, places_of
from api.schemas.items.bulk import MAX_CHANGED, ChangedAnswer, ChangesBody
from api.serving.engine import Engine
from retrieval.catalogue import Changes, Description, Item
from retrieval.catalogue.table import bulk_entry, new_bulk

MISSING = "there is no item of this id. Nothing was changed."
TOO_MANY = "filter: it lets more than {limit:,} items through; narrow it. Nothing was changed."
NO_CHANGE = "There is no such change of many items. Nothing was changed."

Change = tuple[Item, Item, str | None]
"""An item before and after, and the entry of its history that is undone by it."""


def change_many(engine: Engine, body: ChangesBody, ticket: Ticket | None, changed_by: str | None) -> Answer:
    """Describe all of these items anew, or none. Raises Refusal."""

    def change() -> Answer:
        with live_of(engine).catalogue.writing() as rows:
            items = _selected(rows, body)
            pairs = [(item, described(item, body), None) for item in items]
            answer = _write(rows, pairs, len(items), changed_by, dry_run=body.dry_run)
            remember(rows, ticket, answer)
        return answer

    return once(engine, ticket, change)


def undo_many(engine: Engine, name: str, ticket: Ticket | None, changed_by: str | None) -> Answer:
    """Give the items of a change what they had before, those that have not changed again since. Raises Refusal."""

    def change() -> Answer:
        with live_of(engine).catalogue.writing() as rows:
            entries = rows.history.bulk(name)
            if not entries:
                raise Refusal("entry_missing", NO_CHANGE)
            items = {item.id: item for item in rows.get_all([entry.item for entry in entries])}
            pairs = [
                (item, entry.before.on(item), entry.entry)
                for entry in entries
                if (item := items.get(entry.item)) is not None
                and entry.is_about(item)
                and Description.of(item) == entry.after
            ]
            answer = _write(rows, pairs, len(entries), changed_by)
            remember(rows, ticket, answer)
        return answer

    return once(engine, ticket, change)


def _selected(rows: Changes, body: ChangesBody) -> list[Item]:
    if body.filter is not None:
        items = rows.get_matching(body.filter.to_filter(), MAX_CHANGED + 1)
        if len(items) > MAX_CHANGED:
            raise Refusal("invalid_parameter", TOO_MANY.format(limit=MAX_CHANGED))
        return items
    ids = body.ids or ()
    there = {item.id: item for item in rows.get_all(ids)}
    if len(there) < len(ids):
        raise Refusal("item_missing", f"{places_of('ids', [item_id not in there for item_id in ids])}: {MISSING}")
    return [there[item_id] for item_id in ids]


def _write(
    rows: Changes, pairs: Iterable[Change], matching: int, changed_by: str | None, *, dry_run: bool = False
) -> Answer:
    """Write those items that are different afterwards, under one name."""
    changes = [pair for pair in pairs if Description.of(pair[0]) != Description.of(pair[1])]
    name = new_bulk(datetime.now(UTC)) if changes and not dry_run else None
    if name is not None:
        for place, (before, after, undoes) in enumerate(changes):
            rows.describe(after)
            rows.history.add(before, after, changed_by, undoes, bulk_entry(name, place))
    changed = 0 if dry_run else len(changes)
    return Answer(200, ChangedAnswer(matching=matching, changed=changed, change=name).model_dump_json())
