"""An item's history is listed, and a change of it undone. Blocking."""

from dataclasses import replace

from api.errors import Refusal
from api.items.replies import Answer, Ticket, live_of, once, remember
from api.links import link
from api.schemas.items.history import ChangeAnswer, HistoryAnswer, UndoBody
from api.schemas.search.answer import ItemAnswer
from api.serving.engine import Engine
from api.web.write_headers import etag_of
from retrieval.catalogue import Catalogue
from retrieval.catalogue.item import Description

NO_CHANGE = "There is no such change of this item; GET /item/history lists them. Nothing was changed."
CHANGED_SINCE = "The item was changed again since then; undo that first. Nothing was changed."
OTHER_PICTURE = "The item had another picture at that change, so its words are not of this one. Nothing was changed."


def list_history(catalogue: Catalogue, item_id: str, limit: int, cursor: str | None) -> HistoryAnswer:
    """Some changes of an item, also of one that is gone, the latest first."""
    changes = catalogue.history.listed(item_id, limit=limit + 1, before=cursor)
    page = changes[:limit]
    further = {"id": item_id, "limit": limit, "cursor": page[-1].entry} if len(changes) > limit else None
    return HistoryAnswer(
        changes=[ChangeAnswer.of(each) for each in page], next=link("/item/history", further) if further else None
    )


def undo(engine: Engine, body: UndoBody, ticket: Ticket | None, key: str | None) -> Answer:
    """Give an item the label and attributes from before a change. Raises Refusal, ItemMissing.

    Only where it is still as that change left it, so that nothing that came later is lost.
    """

    def change() -> Answer:
        with live_of(engine).catalogue.writing() as rows:
            item = rows.get(body.id)
            entry = rows.history.get(body.id, body.entry)
            if entry is None:
                raise Refusal("entry_missing", NO_CHANGE)
            if not entry.is_about(item):
                raise Refusal("precondition_failed", OTHER_PICTURE)
            if Description.of(item) != entry.after:
                raise Refusal("precondition_failed", CHANGED_SINCE)
            undone = replace(item, label=entry.before.label, attributes=entry.before.attributes)
            rows.describe(undone)
            rows.history.add(item, undone, key, undoes=entry.entry)
            answer = Answer(200, ItemAnswer.of(undone).model_dump_json(), etag_of(undone))
            remember(rows, ticket, answer)
        return answer

    return once(engine, ticket, change)
