"""GET /items, /item and what is below it: what the catalogue holds, and its pictures.

The id of an item is sent in the query. In a path, a proxy may resolve `..`, decode `%2F` or merge slashes, and so lead
to another item; item_paths.py has those addresses for clients of earlier versions.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from api.deps import ItemId, PoolDep, SnapshotDep
from api.items import listing
from api.openapi.bodies import filter_parameter, json_body
from api.openapi.problems import problems
from api.schemas.fields import CursorText
from api.schemas.items.listing import LIST_EXAMPLES, Limit, ListBody, Order
from api.schemas.search.answer import ItemAnswer, ItemsAnswer, ThumbnailSize
from api.security.keys import Read
from api.serving.snapshot import Snapshot
from api.web.bodies import read_json_body
from api.web.conditional import CACHE_CONTROL, Conditions, ConditionsDep, IfNoneMatch, is_known
from api.web.parameters import read_filter
from api.web.write_headers import etag_of
from retrieval import images
from retrieval.catalogue import Item

RENDERED_PROBLEMS = problems(
    "item_missing",
    "picture_missing",
    "unsupported_format",
    "range_unsatisfiable",
    "broken_image",
    "too_many_pixels",
    "invalid_parameter",
    "not_ready",
    "picture_unavailable",
    "overloaded",
)
BROWSER_SIDE = 2560  # pixels of the longer side, of a copy for a whole screen

ImageFormat = Literal["original", "browser"]
FORMAT_OF_IMAGE = (
    "`original`: the file as it came. `browser`: the same where every browser shows its format, else (HEIC, TIFF, "
    f"PBM/PGM/PPM) a WebP copy of it, upright, of at most {BROWSER_SIDE} x {BROWSER_SIDE} pixels."
)

ImageFormatQuery = Annotated[ImageFormat, Query(alias="format", description=FORMAT_OF_IMAGE)]

ITEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "The version of the item.", "schema": {"type": "string"}}}},
    304: {"description": "What the client has is still good."},
    **problems("item_missing", "not_ready", "overloaded"),
}
IMAGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"image/*": {}}},
    206: {"description": "The part that is wanted of it.", "content": {"image/*": {}}},
    304: {"description": "What the client has is still good."},
    307: {
        "description": "Where the server leads to its store of pictures: the file is there, at a signed address that "
        "is good for a while. Never with `format=browser`.",
        "headers": {"Location": {"description": "The signed address.", "schema": {"type": "string"}}},
    },
    **RENDERED_PROBLEMS,
}
THUMBNAIL_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The thumbnail.", "content": {"image/webp": {}}},
    206: {"description": "The part that is wanted of it.", "content": {"image/webp": {}}},
    304: {"description": "What the client has is still good."},
    **RENDERED_PROBLEMS,
}

router = APIRouter(tags=["items"])


@router.get(
    "/items",
    dependencies=[Read],
    operation_id="list_items",
    summary="The items, page by page, in an order and under a filter; and how many there are",
    responses=problems("cursor_expired", "invalid_parameter", "not_ready", "overloaded"),
    openapi_extra={"parameters": [filter_parameter()]},
)
async def list_items(
    request: Request,
    snapshot: SnapshotDep,
    pool: PoolDep,
    order: Annotated[Order, Query()] = "id",
    limit: Annotated[Limit, Query()] = 24,
    cursor: Annotated[CursorText | None, Query()] = None,
) -> ItemsAnswer:
    filter_ = read_filter(request)
    filter_text = request.query_params.get("filter")
    return await pool.run(listing.list_items, snapshot.catalogue, filter_, filter_text, order, limit, cursor)


@router.post(
    "/items/list",
    dependencies=[Read],
    operation_id="list_items_by_body",
    summary="As GET /items, with a filter and a cursor of any length",
    responses=problems(
        "unparseable",
        "too_many_bytes",
        "unsupported_body",
        "cursor_expired",
        "invalid_parameter",
        "not_ready",
        "overloaded",
    ),
    openapi_extra={"requestBody": json_body(ListBody, LIST_EXAMPLES)},
)
async def post_list(request: Request, snapshot: SnapshotDep, pool: PoolDep) -> ItemsAnswer:
    """For the next page, send the same again with `cursor`: the `next_cursor` of the answer."""
    body = await read_json_body(request, ListBody)
    filter_, filter_text = body.filter_and_text()
    return await pool.run(
        listing.list_items, snapshot.catalogue, filter_, filter_text, body.order, body.limit, body.cursor
    )


@router.get(
    "/item/image",
    dependencies=[Read],
    operation_id="get_image",
    summary="An item's picture as it came, or as every browser shows it",
    response_class=Response,
    responses=IMAGE_RESPONSES,
)
async def get_image(
    item_id: ItemId,
    snapshot: SnapshotDep,
    pool: PoolDep,
    conditions: ConditionsDep,
    format_: ImageFormatQuery = "original",
) -> Response:
    return await pool.run(send_image, snapshot, item_id, conditions, format_)


@router.get(
    "/item/thumbnail",
    dependencies=[Read],
    operation_id="get_thumbnail",
    summary="An item's picture, small, as WebP",
    response_class=Response,
    responses=THUMBNAIL_RESPONSES,
)
async def get_thumbnail(
    item_id: ItemId,
    snapshot: SnapshotDep,
    pool: PoolDep,
    conditions: ConditionsDep,
    size: ThumbnailSize = ThumbnailSize.MEDIUM,
) -> Response:
    """Upright, in `size` x `size` pixels, never enlarged."""
    return await pool.run(send_thumbnail, snapshot, item_id, size, conditions)


@router.get(
    "/item",
    dependencies=[Read],
    operation_id="get_item",
    summary="One item",
    response_model=ItemAnswer,
    responses=ITEM_RESPONSES,
)
async def get_item(
    item_id: ItemId, snapshot: SnapshotDep, pool: PoolDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Its `ETag` is its version, for `If-Match` of a change."""
    item = await pool.run(snapshot.catalogue.get, item_id)
    headers = {"ETag": etag_of(item), "Cache-Control": CACHE_CONTROL}
    if is_known(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(ItemAnswer.of(item).model_dump_json(), headers=headers, media_type="application/json")


def send_image(snapshot: Snapshot, item_id: str, conditions: Conditions, format_: ImageFormat = "original") -> Response:
    """The file of an item's picture, or the part that is wanted; or where it is. Raises ItemMissing, Refusal.

    PictureMissing and PictureUnavailable, too; also ImageError where a copy is made for a browser.
    """
    item = snapshot.catalogue.get(item_id)
    etag = f'"{item.sha256}"'
    if format_ == "browser" and item.media_type not in images.BROWSER_MEDIA_TYPES:
        return send_copy(snapshot, item, BROWSER_SIDE, conditions)
    if format_ == "original" and not is_known(etag, conditions.if_none_match) and (link := snapshot.link(item)):
        return Response(status_code=307, headers={"Location": link, "ETag": etag, "Cache-Control": CACHE_CONTROL})
    return conditions.response(etag, item.media_type, lambda: snapshot.picture(item))


def send_thumbnail(snapshot: Snapshot, item_id: str, size: ThumbnailSize, conditions: Conditions) -> Response:
    """As `send_image`, of at most `size` x `size` pixels. Raises ImageError, too."""
    return send_copy(snapshot, snapshot.catalogue.get(item_id), size, conditions)


def send_copy(snapshot: Snapshot, item: Item, side: int, conditions: Conditions) -> Response:
    """A WebP copy of at most side x side pixels; its ETag changes with how copies are made, too."""
    etag = f'"{item.sha256}-{side}-srgb"'
    return conditions.response(etag, "image/webp", lambda: images.thumbnail(snapshot.picture(item), side))
