"""Items that are described anew, or go: the row first, then what was kept for it. Blocking.

Once the row is gone the item is: a vector or a picture that cannot be deleted is logged, passed over by searches, and
swept at the next start.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from api.errors import Refusal
from api.items.add import live_of
from api.schemas.item_request import MAX_ATTRIBUTES, DescriptionBody
from api.schemas.search_answer import ItemAnswer
from api.serving import image_files
from api.serving.engine import Engine
from retrieval.catalogue import Item
from retrieval.errors import ItemMissing, LookalikeError
from retrieval.filters import Filter

logger = logging.getLogger(__name__)

TOO_MANY = f"attributes: an item has {MAX_ATTRIBUTES} at most; take some away with null."
AT_ONCE = 10_000
"""Vectors deleted between two moments in which searches may look."""


def describe(engine: Engine, item_id: str, body: DescriptionBody) -> ItemAnswer:
    """Give an item another label, or other attributes. Raises Refusal, ItemMissing."""
    with live_of(engine).catalogue.writing() as rows:
        item = rows.get(item_id)
        label = body.label if "label" in body.model_fields_set else item.label
        merged = {**item.attributes, **body.attributes}
        attributes = {name: value for name, value in merged.items() if value is not None}
        if len(attributes) > max(MAX_ATTRIBUTES, len(item.attributes)):
            raise Refusal("invalid_parameter", TOO_MANY)
        changed = replace(item, label=label, attributes=attributes)
        rows.describe(changed)
    return ItemAnswer.of(changed)


def delete(engine: Engine, item_id: str) -> None:
    """Raises ItemMissing, Refusal."""
    with engine.writing:
        with live_of(engine).catalogue.writing() as rows:
            deleted = rows.delete([item_id])
        _forget(engine, deleted)
    if not deleted:
        raise ItemMissing("there is no item of that id in the catalogue")


def delete_matching(engine: Engine, filter_: Filter) -> int:
    """Delete all that a filter lets through, at once; returns how many that were. Raises Refusal."""
    with engine.writing:
        with live_of(engine).catalogue.writing() as rows:
            deleted = rows.delete_matching(filter_)
        _forget(engine, deleted)
    return len(deleted)


def _forget(engine: Engine, deleted: Sequence[Item]) -> None:
    """Let go of the vectors and the pictures of items that are no more. Needs `engine.writing`."""
    ids = [item.id for item in deleted]
    for snapshot in engine.loaded:
        try:
            for start in range(0, len(ids), AT_ONCE):
                snapshot.store.delete(ids[start : start + AT_ONCE])
        except LookalikeError as error:
            logger.error("vectors of deleted items stay until the next start: %s", error)
    live = live_of(engine)
    try:
        with live.catalogue.writing() as rows:
            image_files.discard(live.artifacts, rows.unnamed({item.location for item in deleted}))
    except LookalikeError as error:
        logger.error("pictures of deleted items stay until the next start: %s", error)
