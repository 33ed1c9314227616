"""The addresses of earlier versions, with an item's id in the path: deprecated, and safe behind every proxy.

Many proxies resolve `..`, decode `%2F` and merge slashes in a path, so that `/items/x%2F..%2Fvictim` reaches this
server as `/items/victim`, and `/items/x%2Fimage` as the picture of `x`. What changes an item must therefore name it
once more in the query, which no proxy rewrites; and a picture is not sent where the path could mean another item.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.deps import EngineDep, PathItemId, PoolDep, SnapshotDep, WritersDep
from api.errors import Refusal
from api.openapi.bodies import json_body
from api.openapi.problems import problems
from api.routes.items import changes as item_changes
from api.routes.items import reading as items
from api.routes.items.changes import BODY_PROBLEMS, CHANGE_PROBLEMS, CHANGED
from api.routes.items.reading import IMAGE_RESPONSES, ITEM_RESPONSES, THUMBNAIL_RESPONSES
from api.schemas.items.write import DESCRIPTION_EXAMPLES, DescriptionBody
from api.schemas.search.answer import ItemAnswer, ThumbnailSize
from api.security.keys import Read, Write
from api.serving.snapshot import Snapshot
from api.web.conditional import ConditionsDep, IfNoneMatch
from api.web.write_headers import IdempotencyKey, PreconditionDep

UNCONFIRMED = (
    "id: the path alone may name another item than you mean, as proxies change paths; use {method} /item?id=ID, or add "
    "?id=ID with the same id here. Nothing was changed."
)
AMBIGUOUS = "id: a proxy may have changed this path, which could mean two items; use /item{part}?id=ID."

router = APIRouter(tags=["items"], deprecated=True)


async def confirmed_id(
    item_id: PathItemId,
    request: Request,
    confirmation: Annotated[
        str | None, Query(alias="id", description="The same id again; without it, nothing is changed.")
    ] = None,
) -> str:
    """The id in the path, if the query names the same one. Raises Refusal."""
    if confirmation != item_id:
        raise Refusal("invalid_parameter", UNCONFIRMED.format(method=request.method))
    return item_id


ConfirmedId = Annotated[str, Depends(confirmed_id)]


@router.get(
    "/items/{id}/image",
    dependencies=[Read],
    operation_id="get_image_by_path",
    summary="As GET /item/image",
    response_class=Response,
    responses=IMAGE_RESPONSES,
)
async def get_image(item_id: PathItemId, snapshot: SnapshotDep, pool: PoolDep, conditions: ConditionsDep) -> Response:
    await pool.run(_check_meaning, snapshot, item_id, "/image")
    return await pool.run(items.send_image, snapshot, item_id, conditions)


@router.get(
    "/items/{id}/thumbnail",
    dependencies=[Read],
    operation_id="get_thumbnail_by_path",
    summary="As GET /item/thumbnail",
    response_class=Response,
    responses=THUMBNAIL_RESPONSES,
)
async def get_thumbnail(
    item_id: PathItemId,
    snapshot: SnapshotDep,
    pool: PoolDep,
    conditions: ConditionsDep,
    size: ThumbnailSize = ThumbnailSize.MEDIUM,
) -> Response:
    await pool.run(_check_meaning, snapshot, item_id, "/thumbnail")
    return await pool.run(items.send_thumbnail, snapshot, item_id, size, conditions)


@router.get(
    "/items/{id}",
    dependencies=[Read],
    operation_id="get_item_by_path",
    summary="As GET /item",
    response_model=ItemAnswer,
    responses=ITEM_RESPONSES,
)
async def get_item(
    item_id: PathItemId, snapshot: SnapshotDep, pool: PoolDep, if_none_match: IfNoneMatch = None
) -> Response:
    return await items.get_item(item_id, snapshot, pool, if_none_match)


@router.patch(
    "/items/{id}",
    dependencies=[Write],
    operation_id="describe_item_by_path",
    summary="As PATCH /item",
    response_model=ItemAnswer,
    responses=problems(*BODY_PROBLEMS, *CHANGE_PROBLEMS) | CHANGED,
    openapi_extra={"requestBody": json_body(DescriptionBody, DESCRIPTION_EXAMPLES)},
)
async def patch_item(
    item_id: ConfirmedId,
    request: Request,
    engine: EngineDep,
    snapshot: SnapshotDep,
    pool: WritersDep,
    condition: PreconditionDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    return await item_changes.patch_item(item_id, request, engine, snapshot, pool, condition, idempotency_key)


@router.delete(
    "/items/{id}",
    dependencies=[Write],
    operation_id="delete_item_by_path",
    summary="As DELETE /item",
    status_code=204,
    response_class=Response,
    responses=problems(*CHANGE_PROBLEMS),
)
async def delete_item(
    item_id: ConfirmedId,
    request: Request,
    engine: EngineDep,
    snapshot: SnapshotDep,
    pool: WritersDep,
    condition: PreconditionDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    return await item_changes.delete_item(item_id, request, engine, snapshot, pool, condition, idempotency_key)


def _check_meaning(snapshot: Snapshot, item_id: str, part: str) -> None:
    """Raises Refusal where an item's id is the whole path: it may have been meant, its slash escaped."""
    if snapshot.catalogue.get_many([f"{item_id}{part}"]):
        raise Refusal("invalid_parameter", AMBIGUOUS.format(part=part))
