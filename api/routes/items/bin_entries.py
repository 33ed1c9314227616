"""GET /bin and what is below it: deleted items, until they are restored or deleted for good."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.deps import EngineDep, PoolDep, SnapshotDep, WritersDep
from api.items import bin_entries
from api.items.replies import Answer, Ticket
from api.openapi.bodies import json_body
from api.openapi.problems import problems
from api.routes.items.changes import BODY_PROBLEMS
from api.routes.items.reading import THUMBNAIL_RESPONSES, send_copy
from api.schemas.items.bin import (
    ENTRIES_EXAMPLES,
    BinAnswer,
    EntriesBody,
    EntriesDeletedAnswer,
    EntryName,
    RestoredAnswer,
)
from api.schemas.items.listing import Limit, PageEnd
from api.schemas.search.answer import ThumbnailSize
from api.security.keys import Read, Write
from api.serving.snapshot import Snapshot
from api.web.bodies import read_json_body
from api.web.conditional import Conditions, ConditionsDep
from api.web.write_headers import IdempotencyKey, Unconditional

CHANGES = [Write, Unconditional]

router = APIRouter(tags=["bin"])


@router.get(
    "/bin",
    dependencies=[Read],
    operation_id="list_bin",
    summary="The deleted items that can be restored",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def get_bin(
    engine: EngineDep,
    snapshot: SnapshotDep,
    pool: PoolDep,
    limit: Limit = 24,
    cursor: Annotated[EntryName | None, PageEnd] = None,
) -> BinAnswer:
    """The latest first. An entry stays for `LOOKALIKE_BIN_DAYS`, which are 30, and is then deleted for good."""
    return await pool.run(bin_entries.list_bin, snapshot, engine.bin_days, limit, cursor)


@router.get(
    "/bin/thumbnail",
    dependencies=[Read],
    operation_id="get_bin_thumbnail",
    summary="A deleted item's picture, small, as WebP",
    response_class=Response,
    responses=THUMBNAIL_RESPONSES | problems("entry_missing", "picture_missing"),
)
async def get_thumbnail(
    entry: Annotated[EntryName, Query()],
    engine: EngineDep,
    snapshot: SnapshotDep,
    pool: PoolDep,
    conditions: ConditionsDep,
    size: ThumbnailSize = ThumbnailSize.MEDIUM,
) -> Response:
    """Upright, in `size` x `size` pixels, never enlarged."""
    return await pool.run(_send_thumbnail, snapshot, engine.bin_days, entry, size, conditions)


@router.post(
    "/bin/restore",
    dependencies=CHANGES,
    operation_id="restore_items",
    summary="Restore deleted items",
    response_model=RestoredAnswer,
    responses=problems(
        *BODY_PROBLEMS,
        "entry_missing",
        "picture_missing",
        "item_exists",
        "idempotency_conflict",
        "not_ready",
        "picture_unavailable",
        "overloaded",
    ),
    openapi_extra={"requestBody": json_body(EntriesBody, ENTRIES_EXAMPLES)},
)
async def post_restore(
    request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """All of them or none: where one cannot be restored, as its id is an item's again, the answer names it."""
    body = await read_json_body(request, EntriesBody)
    ticket = Ticket.of(idempotency_key, "restore_items", body.model_dump(mode="json", exclude_unset=True))
    return _response(await pool.run(bin_entries.restore, engine, body, ticket))


@router.post(
    "/bin/delete",
    dependencies=CHANGES,
    operation_id="delete_bin_entries",
    summary="Delete some entries of the bin for good",
    response_model=EntriesDeletedAnswer,
    responses=problems(*BODY_PROBLEMS, "entry_missing", "idempotency_conflict", "not_ready", "overloaded"),
    openapi_extra={"requestBody": json_body(EntriesBody, ENTRIES_EXAMPLES)},
)
async def post_delete(
    request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Their pictures are deleted, too, where no other item has them. All of them or, where one is missing, none."""
    body = await read_json_body(request, EntriesBody)
    ticket = Ticket.of(idempotency_key, "delete_bin_entries", body.model_dump(mode="json", exclude_unset=True))
    return _response(await pool.run(bin_entries.delete_entries, engine, body, ticket))


@router.delete(
    "/bin",
    dependencies=CHANGES,
    operation_id="empty_bin",
    summary="Empty the bin: delete everything in it for good",
    response_model=EntriesDeletedAnswer,
    responses=problems("idempotency_conflict", "not_ready", "overloaded"),
)
async def delete_bin(
    engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Their pictures are deleted, too, where no other item has them."""
    return _response(await pool.run(bin_entries.empty, engine, Ticket.of(idempotency_key, "empty_bin")))


def _send_thumbnail(snapshot: Snapshot, days: int, name: str, size: ThumbnailSize, conditions: Conditions) -> Response:
    return send_copy(snapshot, bin_entries.entry_of(snapshot, days, name).item, size, conditions)


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")
