"""Deleting many items at once: by a filter, or by a list of ids."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.deps import EngineDep, SnapshotDep, WritersDep
from api.errors import Refusal
from api.items import update
from api.items.replies import Answer, Ticket
from api.openapi.bodies import filter_parameter, json_body
from api.openapi.problems import problems
from api.routes.items.changes import BODY_PROBLEMS
from api.schemas.clusters import DeletedAnswer
from api.schemas.items.write import DELETION_EXAMPLES, DeletionBody
from api.security.keys import Write, key_name
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from api.web.bodies import read_json_body
from api.web.parameters import read_filter
from api.web.write_headers import IdempotencyKey, Unconditional
from retrieval.filters import Filter

UNFILTERED = "filter: say which items are to go; {} means all of them."

router = APIRouter(tags=["items"], dependencies=[Write, Unconditional])


@router.post(
    "/items/delete",
    operation_id="delete_items_of_list",
    summary="Delete items by a list of ids or by a filter, or only count them",
    response_model=DeletedAnswer,
    responses=problems(*BODY_PROBLEMS, "item_missing", "idempotency_conflict", "not_ready", "overloaded"),
    openapi_extra={"requestBody": json_body(DeletionBody, DELETION_EXAMPLES)},
)
async def post_deletion(
    request: Request,
    engine: EngineDep,
    snapshot: SnapshotDep,
    pool: WritersDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """All of them are moved into the bin or, where one of the ids is no item's, none."""
    body = await read_json_body(request, DeletionBody)
    answer = await pool.run(_delete, engine, snapshot, body, idempotency_key, key_name(request))
    return deleted_response(answer)


@router.delete(
    "/items",
    operation_id="delete_items",
    summary="Delete every item that a filter lets through, or only count them",
    response_model=DeletedAnswer,
    responses=problems("idempotency_conflict", "invalid_parameter", "not_ready", "overloaded"),
    openapi_extra={"parameters": [filter_parameter(required=True)]},
)
async def delete_items(
    request: Request,
    engine: EngineDep,
    snapshot: SnapshotDep,
    pool: WritersDep,
    dry_run: Annotated[bool, Query(description="Only say how many there are.")] = False,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The filter must be sent; `{}` means everything. The items are moved into the bin."""
    text = request.query_params.get("filter")
    if not text:
        raise Refusal("invalid_parameter", UNFILTERED)
    filter_, ticket = read_filter(request), Ticket.of(idempotency_key, "delete_items", text)
    answer = await pool.run(_delete_matching, engine, snapshot, filter_, dry_run, ticket, key_name(request))
    return deleted_response(answer)


def deleted_response(answer: Answer) -> Response:
    """How many items were deleted."""
    return Response(answer.body, answer.status, media_type="application/json")


def _delete(engine: Engine, snapshot: Snapshot, body: DeletionBody, key: str | None, deleted_by: str | None) -> Answer:
    ticket = Ticket.of(key, "delete_items_of_list", body.model_dump(mode="json", exclude_unset=True, by_alias=True))
    if body.filter is not None:
        return _delete_matching(engine, snapshot, body.filter.to_filter(), body.dry_run, ticket, deleted_by)
    ids = list(body.ids or ())
    if not body.dry_run:
        return update.delete_listed(engine, ids, ticket, deleted_by)
    there = snapshot.catalogue.get_many(ids)
    if len(there) < len(ids):
        raise update.missing(ids, there)
    return Answer(200, DeletedAnswer(matching=len(ids), deleted=0).model_dump_json())


def _delete_matching(
    engine: Engine, snapshot: Snapshot, filter_: Filter, dry_run: bool, ticket: Ticket | None, deleted_by: str | None
) -> Answer:
    if not dry_run:
        return update.delete_matching(engine, filter_, ticket, deleted_by)
    matching = snapshot.catalogue.count_matching(filter_)
    return Answer(200, DeletedAnswer(matching=matching, deleted=0).model_dump_json())
