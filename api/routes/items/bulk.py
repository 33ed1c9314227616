"""POST /items/change and /items/undo: labels and attributes of many items at once."""

from fastapi import APIRouter, Request, Response

from api.deps import EngineDep, SnapshotDep, WritersDep
from api.items.bulk import change_many, undo_many
from api.items.replies import Answer, Ticket
from api.openapi.bodies import json_body
from api.openapi.problems import problems
from api.routes.items.changes import BODY_PROBLEMS
from api.schemas.items.bulk import CHANGES_EXAMPLES, UNDO_BULK_EXAMPLES, ChangedAnswer, ChangesBody, UndoBulkBody
from api.security.keys import Write, key_name
from api.web.bodies import read_json_body
from api.web.write_headers import IdempotencyKey, Unconditional

router = APIRouter(tags=["items"], dependencies=[Write, Unconditional])


@router.post(
    "/items/change",
    operation_id="describe_items",
    summary="Change the labels or attributes of many items at once, or only count them",
    response_model=ChangedAnswer,
    responses=problems(*BODY_PROBLEMS, "item_missing", "idempotency_conflict", "not_ready", "overloaded"),
    openapi_extra={"requestBody": json_body(ChangesBody, CHANGES_EXAMPLES)},
)
async def post_changes(
    request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """All of them or, where one of the ids is no item's, none. What is not named stays as it is; null takes away. Each
    item's history has it, and `POST /items/undo` takes it back."""
    body = await read_json_body(request, ChangesBody)
    content = body.model_dump(mode="json", exclude_unset=True, by_alias=True)
    ticket = Ticket.of(idempotency_key, "describe_items", content)
    return _response(await pool.run(change_many, engine, body, ticket, key_name(request)))


@router.post(
    "/items/undo",
    operation_id="undo_changes",
    summary="Undo a change of many items",
    response_model=ChangedAnswer,
    responses=problems(*BODY_PROBLEMS, "entry_missing", "idempotency_conflict", "not_ready", "overloaded"),
    openapi_extra={"requestBody": json_body(UndoBulkBody, UNDO_BULK_EXAMPLES)},
)
async def post_undo(
    request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Items that were changed again or deleted since stay as they are. An undoing is a change, too."""
    body = await read_json_body(request, UndoBulkBody)
    ticket = Ticket.of(idempotency_key, "undo_changes", body.change)
    return _response(await pool.run(undo_many, engine, body.change, ticket, key_name(request)))


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")
