"""GET /items and what is below it: what the catalogue holds, and its pictures."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.caching import IfNoneMatch, is_known
from api.deps import ItemId, PoolDep, SnapshotDep
from api.keys import Read
from api.openapi import problems
from api.schemas import ItemAnswer, ItemsAnswer, ThumbnailSize
from api.snapshot import Snapshot
from retrieval import images

CACHE_CONTROL = "public, max-age=3600"
PICTURE_PROBLEMS = problems("item_missing", "picture_missing", "not_ready", "overloaded")

router = APIRouter(tags=["items"])


@router.get(
    "/items",
    dependencies=[Read],
    operation_id="list_items",
    summary="The first items by id, and how many there are",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def list_items(
    snapshot: SnapshotDep, pool: PoolDep, limit: Annotated[int, Query(ge=1, le=100)] = 24
) -> ItemsAnswer:
    return await pool.run(_first_items, snapshot, limit)


@router.get(
    "/items/{id}/image",
    dependencies=[Read],
    operation_id="get_image",
    summary="An item's picture as it came",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"image/*": {}}},
        304: {"description": "What the client has is still good."},
        **PICTURE_PROBLEMS,
    },
)
async def get_image(
    item_id: ItemId, snapshot: SnapshotDep, pool: PoolDep, if_none_match: IfNoneMatch = None
) -> Response:
    return await pool.run(_image, snapshot, item_id, if_none_match)


@router.get(
    "/items/{id}/thumbnail",
    dependencies=[Read],
    operation_id="get_thumbnail",
    summary="An item's picture, small, as WebP",
    response_class=Response,
    responses={
        200: {"description": "The thumbnail.", "content": {"image/webp": {}}},
        304: {"description": "What the client has is still good."},
        **problems(
            "item_missing",
            "picture_missing",
            "unsupported_format",
            "broken_image",
            "too_many_pixels",
            "invalid_parameter",
            "not_ready",
            "overloaded",
        ),
    },
)
async def get_thumbnail(
    item_id: ItemId,
    snapshot: SnapshotDep,
    pool: PoolDep,
    size: ThumbnailSize = ThumbnailSize.MEDIUM,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Upright, in `size` x `size` pixels, never enlarged."""
    return await pool.run(_thumbnail, snapshot, item_id, size, if_none_match)


@router.get(
    "/items/{id}",
    dependencies=[Read],
    operation_id="get_item",
    summary="One item",
    responses=problems("item_missing", "not_ready", "overloaded"),
)
async def get_item(item_id: ItemId, snapshot: SnapshotDep, pool: PoolDep) -> ItemAnswer:
    return await pool.run(lambda: ItemAnswer.of(snapshot.catalogue.get(item_id)))


def _first_items(snapshot: Snapshot, limit: int) -> ItemsAnswer:
    first = [ItemAnswer.of(item) for item in islice(snapshot.catalogue.items(), limit)]
    return ItemsAnswer(items=first, total=snapshot.catalogue.count())


def _image(snapshot: Snapshot, item_id: str, if_none_match: str | None) -> Response:
    item = snapshot.catalogue.get(item_id)
    headers = {"ETag": f'"{item.sha256}"', "Cache-Control": CACHE_CONTROL}
    if is_known(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(snapshot.picture(item), headers=headers, media_type=item.media_type)


def _thumbnail(snapshot: Snapshot, item_id: str, size: ThumbnailSize, if_none_match: str | None) -> Response:
    item = snapshot.catalogue.get(item_id)
    headers = {"ETag": f'"{item.sha256}-{size}"', "Cache-Control": CACHE_CONTROL}
    if is_known(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(images.thumbnail(snapshot.picture(item), size), headers=headers, media_type="image/webp")
