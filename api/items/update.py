"""Items that are described anew, or go: the row first, then what was kept for it. Blocking.

Once the row is gone the item is: a vector or a picture that cannot be deleted is logged, passed over by searches, and
swept at the next start.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from api.errors import Refusal
from api.items.replies import Answer, Ticket, live_of, once, remember
from api.schemas.clusters import DeletedAnswer
from api.schemas.items.write import MAX_ATTRIBUTES, DescriptionBody
from api.schemas.search.answer import ItemAnswer
from api.serving.engine import Engine
from api.web.write_headers import ANY, Precondition, etag_of
from retrieval.catalogue import Changes, Item
from retrieval.catalogue.facts.people import ungrouped
from retrieval.errors import LookalikeError
from retrieval.filters import Filter

logger = logging.getLogger(__name__)

TOO_MANY = f"attributes: an item has {MAX_ATTRIBUTES} at most; take some away with null."
MAX_TOLD = 10
"""Ids that are named of those that are not there."""
AT_ONCE = 10_000
"""Vectors deleted between two moments in which searches may look."""


def describe(
    engine: Engine,
    item_id: str,
    body: DescriptionBody,
    condition: Precondition = ANY,
    ticket: Ticket | None = None,
    changed_by: str | None = None,
) -> Answer:
    """Give an item another label, or other attributes. Raises Refusal, ItemMissing."""

    def change() -> Answer:
        with live_of(engine).catalogue.writing() as rows:
            item = rows.get(item_id)
            condition.check(item)
            changed = described(item, body)
            rows.describe(changed)
            rows.history.add(item, changed, changed_by)
            answer = Answer(200, ItemAnswer.of(changed).model_dump_json(), etag_of(changed))
            remember(rows, ticket, answer)
        return answer

    return once(engine, ticket, change)


def described(item: Item, body: DescriptionBody) -> Item:
    """The item as a body says: what that does not name stays as it is. Raises Refusal for too many attributes."""
    label = body.label if "label" in body.model_fields_set else item.label
    merged = {**item.attributes, **body.attributes}
    attributes = ungrouped(label, {name: value for name, value in merged.items() if value is not None})
    if len(attributes) > max(MAX_ATTRIBUTES, len(item.attributes)):
        raise Refusal("invalid_parameter", TOO_MANY)
    return replace(item, label=label, attributes=attributes)


def delete(
    engine: Engine,
    item_id: str,
    condition: Precondition = ANY,
    ticket: Ticket | None = None,
    deleted_by: str | None = None,
) -> Answer:
    """Move an item into the bin. Raises ItemMissing, Refusal."""

    def change() -> Answer:
        answer = Answer(204, "")
        with engine.writing:
            with live_of(engine).catalogue.writing() as rows:
                condition.check(rows.get(item_id))
                deleted = rows.delete([item_id])
                put_into_bin(engine, rows, deleted, deleted_by)
                remember(rows, ticket, answer)
            forget(engine, deleted)
        return answer

    return once(engine, ticket, change)


def delete_matching(
    engine: Engine, filter_: Filter, ticket: Ticket | None = None, deleted_by: str | None = None
) -> Answer:
    """Move all that a filter lets through into the bin, at once. Raises Refusal."""
    return _delete_all(engine, lambda rows: rows.delete_matching(filter_), ticket, deleted_by)


def delete_listed(
    engine: Engine, ids: Sequence[str], ticket: Ticket | None = None, deleted_by: str | None = None
) -> Answer:
    """Move these items into the bin, all or none. Raises Refusal (item_missing) that says which are not there."""

    def delete_ids(rows: Changes) -> list[Item]:
        deleted = rows.delete(ids)
        if len(deleted) < len(ids):  # undoes it
            raise missing(ids, {item.id for item in deleted})
        return deleted

    return _delete_all(engine, delete_ids, ticket, deleted_by)


def missing(ids: Sequence[str], there: Collection[str], field: str = "ids") -> Refusal:
    """What is said where some of these ids are no item's."""
    place_faults = places_of(field, [item_id not in there for item_id in ids])
    return Refusal("item_missing", f"{place_faults}: there is no item of this id. Nothing was deleted.")


def places_of(field: str, faults: Sequence[bool]) -> str:
    """The first places of a list at which there is a fault, and how many more there are."""
    places = [f"{field}[{place}]" for place, is_fault in enumerate(faults) if is_fault]
    more = len(places) - MAX_TOLD
    return ", ".join(places[:MAX_TOLD]) + (f" and {more} more" if more > 0 else "")


def _delete_all(
    engine: Engine, delete_rows: Callable[[Changes], list[Item]], ticket: Ticket | None, deleted_by: str | None
) -> Answer:
    def change() -> Answer:
        with engine.writing:
            with live_of(engine).catalogue.writing() as rows:
                deleted = delete_rows(rows)
                put_into_bin(engine, rows, deleted, deleted_by)
                count = len(deleted)
                answer = Answer(200, DeletedAnswer(matching=count, deleted=count).model_dump_json())
                remember(rows, ticket, answer)
            forget(engine, deleted)
        return answer

    return once(engine, ticket, change)


def put_into_bin(engine: Engine, rows: Changes, deleted: Collection[Item], deleted_by: str | None) -> None:
    """Keep items that are deleted in this transaction, unless the settings want no bin."""
    if engine.bin_days:
        rows.bin.put(deleted, deleted_by)


def forget(engine: Engine, deleted: Sequence[Item]) -> None:
    """Let go of the vectors of items that are no more, and of their pictures unless the bin has them. Needs
    `engine.writing`."""
    forget_vectors(engine, [item.id for item in deleted])
    discard_pictures(engine, {item.location for item in deleted})


def forget_vectors(engine: Engine, ids: Sequence[str]) -> None:
    """Let go of the vectors of these ids. Needs `engine.writing`."""
    for snapshot in engine.loaded:
        try:
            for start in range(0, len(ids), AT_ONCE):
                snapshot.store.delete(ids[start : start + AT_ONCE])
        except LookalikeError as error:
            logger.error("vectors of deleted items stay until the next start: %s", error)


def discard_pictures(engine: Engine, locations: Collection[str]) -> None:
    """Delete these pictures, of those that are no item's any more. Needs `engine.writing`."""
    live = live_of(engine)
    try:
        with live.catalogue.writing() as rows:
            live.pictures.discard(rows.unnamed(locations))
    except LookalikeError as error:
        logger.error("pictures of deleted items stay until the next start: %s", error)
