"""GET /item/history and POST /item/undo: how an item was described, and back."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.deps import EngineDep, ItemId, PoolDep, SnapshotDep, WritersDep
from api.items.history import list_history, undo
from api.items.replies import Ticket
from api.openapi.bodies import json_body
from api.openapi.problems import problems
from api.routes.items.changes import BODY_PROBLEMS, CHANGE_PROBLEMS, CHANGED, item_response
from api.schemas.items.history import UNDO_EXAMPLES, ChangeName, HistoryAnswer, UndoBody
from api.schemas.items.listing import Limit, PageEnd
from api.schemas.search.answer import ItemAnswer
from api.security.keys import Read, Write, key_name
from api.web.bodies import read_json_body
from api.web.write_headers import IdempotencyKey, Unconditional

router = APIRouter(tags=["items"])


@router.get(
    "/item/history",
    dependencies=[Read],
    operation_id="get_history",
    summary="How an item's label and attributes were changed, the latest first",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def get_history(
    item_id: ItemId,
    snapshot: SnapshotDep,
    pool: PoolDep,
    limit: Limit = 24,
    cursor: Annotated[ChangeName | None, PageEnd] = None,
) -> HistoryAnswer:
    """By `PATCH`, `PUT`, merges and undoings; a training run keeps them. The history of an item that is gone is still
    there."""
    return await pool.run(list_history, snapshot.catalogue, item_id, limit, cursor)


@router.post(
    "/item/undo",
    dependencies=[Write, Unconditional],
    operation_id="undo_change",
    summary="Undo a change of an item's label and attributes",
    response_model=ItemAnswer,
    responses=problems(*BODY_PROBLEMS, *CHANGE_PROBLEMS, "entry_missing") | CHANGED,
    openapi_extra={"requestBody": json_body(UndoBody, UNDO_EXAMPLES)},
)
async def post_undo(
    request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Where the item was changed again since, it is refused (412). An undoing is a change, too, and can be undone."""
    body = await read_json_body(request, UndoBody)
    ticket = Ticket.of(idempotency_key, "undo_change", body.model_dump(mode="json", exclude_unset=True))
    return item_response(await pool.run(undo, engine, body, ticket, key_name(request)))
