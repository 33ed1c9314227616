"""POST, GET and DELETE /feedback: what people say of pictures and items."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.deps import EngineDep, PoolDep, SnapshotDep, WritersDep
from api.items.feedback import add_feedback, list_feedback, take_back_feedback
from api.items.replies import Ticket
from api.openapi.bodies import json_body
from api.openapi.problems import problems
from api.routes.items.changes import BODY_PROBLEMS
from api.schemas.items.feedback import FEEDBACK_EXAMPLES, FeedbackAnswer, FeedbackBody, FeedbackListAnswer, FeedbackName
from api.schemas.items.listing import Limit, PageEnd
from api.schemas.text import ItemName
from api.security.keys import Read, Write, key_name
from api.web.bodies import read_json_body
from api.web.write_headers import IdempotencyKey, Unconditional

router = APIRouter(tags=["feedback"])


@router.post(
    "/feedback",
    dependencies=[Write, Unconditional],
    operation_id="add_feedback",
    summary="Say whether a hit was right, or two pictures show the same",
    status_code=201,
    response_model=FeedbackAnswer,
    responses=problems(*BODY_PROBLEMS, "item_missing", "idempotency_conflict", "not_ready", "overloaded"),
    openapi_extra={"requestBody": json_body(FeedbackBody, FEEDBACK_EXAMPLES)},
)
async def post_feedback(
    request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """The server adds when, and the name of the key. It holds for the pictures as they are now, and changes no answer
    by itself."""
    body = await read_json_body(request, FeedbackBody)
    ticket = Ticket.of(idempotency_key, "add_feedback", body.model_dump(mode="json", exclude_unset=True))
    answer = await pool.run(add_feedback, engine, body, ticket, key_name(request))
    return Response(answer.body, answer.status, media_type="application/json")


@router.get(
    "/feedback",
    dependencies=[Read],
    operation_id="list_feedback",
    summary="What was said, the latest first",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def get_feedback(
    snapshot: SnapshotDep,
    pool: PoolDep,
    limit: Limit = 24,
    cursor: Annotated[FeedbackName | None, PageEnd] = None,
    item: Annotated[ItemName | None, Query(description="Only what was said of this item.")] = None,
) -> FeedbackListAnswer:
    """Feedback on items that are gone is still there."""
    return await pool.run(list_feedback, snapshot.catalogue, limit, cursor, item)


@router.delete(
    "/feedback",
    dependencies=[Write, Unconditional],
    operation_id="take_back_feedback",
    summary="Take back what was said",
    status_code=204,
    response_class=Response,
    responses=problems("invalid_parameter", "entry_missing", "idempotency_conflict", "not_ready", "overloaded"),
)
async def delete_feedback(
    entry: Annotated[FeedbackName, Query(description="Its name, from the answer to saying it, or from the list.")],
    engine: EngineDep,
    _: SnapshotDep,
    pool: WritersDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """As if it had never been said."""
    ticket = Ticket.of(idempotency_key, "take_back_feedback", entry)
    answer = await pool.run(take_back_feedback, engine, entry, ticket)
    return Response(status_code=answer.status)
