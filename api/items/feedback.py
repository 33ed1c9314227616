"""Feedback is kept and listed. Blocking."""

from api.errors import Refusal
from api.items.replies import Answer, Ticket, live_of, once, remember
from api.links import link
from api.schemas.items.feedback import FeedbackAnswer, FeedbackBody, FeedbackListAnswer
from api.serving.engine import Engine
from retrieval.catalogue import Catalogue

NO_FEEDBACK = "There is no such feedback; it may have been taken back already."


def add_feedback(engine: Engine, body: FeedbackBody, ticket: Ticket | None, key: str | None) -> Answer:
    """Keep what is said of a picture and an item, both as they are now. Raises ItemMissing, Refusal."""

    def change() -> Answer:
        with live_of(engine).catalogue.writing() as rows:
            item = rows.get(body.item)
            query = None if body.id is None else rows.get(body.id)
            feedback = rows.feedback.add(
                query_item=None if query is None else query.id,
                query_sha256=body.sha256 or "" if query is None else query.sha256,
                item=item.id,
                item_sha256=item.sha256,
                verdict=body.verdict,
                said_by=body.by,
                key_name=key,
            )
            answer = Answer(201, FeedbackAnswer.of(feedback).model_dump_json())
            remember(rows, ticket, answer)
        return answer

    return once(engine, ticket, change)


def take_back_feedback(engine: Engine, entry: str, ticket: Ticket | None) -> Answer:
    """Forget what was said. Raises Refusal (entry_missing)."""

    def change() -> Answer:
        answer = Answer(204, "")
        with live_of(engine).catalogue.writing() as rows:
            if not rows.feedback.take_back(entry):
                raise Refusal("entry_missing", NO_FEEDBACK)
            remember(rows, ticket, answer)
        return answer

    return once(engine, ticket, change)


def list_feedback(catalogue: Catalogue, limit: int, cursor: str | None, item: str | None) -> FeedbackListAnswer:
    """Some entries, the latest first."""
    entries = catalogue.feedback.listed(limit=limit + 1, before=cursor, item=item)
    page = entries[:limit]
    of_item = {} if item is None else {"item": item}
    further = {"limit": limit, "cursor": page[-1].entry, **of_item} if len(entries) > limit else None
    return FeedbackListAnswer(
        feedback=[FeedbackAnswer.of(each) for each in page], next=link("/feedback", further) if further else None
    )
