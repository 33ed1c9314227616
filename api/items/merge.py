"""POST /duplicates/merge: one copy is kept with what is known of all, the others go into the bin. Blocking."""

from dataclasses import replace

from api.duplicates.schemas import MergeAnswer, MergeBody
from api.errors import Refusal
from api.items.replies import Answer, Ticket, live_of, once, remember
from api.items.update import TOO_MANY, forget, missing, put_into_bin
from api.schemas.items.write import MAX_ATTRIBUTES
from api.schemas.search.answer import ItemAnswer
from api.serving.engine import Engine
from retrieval.catalogue import Item
from retrieval.catalogue.facts.people import ungrouped


def merge(engine: Engine, body: MergeBody, ticket: Ticket | None = None, deleted_by: str | None = None) -> Answer:
    """Keep one item, and delete the others; all of it or nothing. Raises Refusal, ItemMissing.

    The kept one gets the label of the first other that has one, if it has none itself, and the attributes that it
    does not have.
    """

    def change() -> Answer:
        with engine.writing:
            with live_of(engine).catalogue.writing() as rows:
                keeper = rows.get(body.keep)
                deleted = {item.id: item for item in rows.delete(body.delete)}
                if len(deleted) < len(body.delete):  # undoes it
                    raise missing(body.delete, deleted, "delete")
                merged = _merged(keeper, [deleted[item_id] for item_id in body.delete])
                if merged != keeper:
                    rows.describe(merged)
                    rows.history.add(keeper, merged, deleted_by)
                put_into_bin(engine, rows, deleted.values(), deleted_by)
                answer = Answer(200, MergeAnswer(item=ItemAnswer.of(merged), deleted=len(deleted)).model_dump_json())
                remember(rows, ticket, answer)
            forget(engine, list(deleted.values()))
        return answer

    return once(engine, ticket, change)


def _merged(keeper: Item, others: list[Item]) -> Item:
    """The kept item with what is known of the others. Raises Refusal for too many attributes."""
    labels = [item.label for item in (keeper, *others) if item.label is not None]
    attributes = {name: value for item in (*reversed(others), keeper) for name, value in item.attributes.items()}
    if len(attributes) > max(MAX_ATTRIBUTES, len(keeper.attributes)):
        raise Refusal("invalid_parameter", TOO_MANY)
    label = labels[0] if labels else None
    return replace(keeper, label=label, attributes=ungrouped(label, attributes))
