"""Writing: items come, are described anew, and go."""

from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from api.deps import EngineDep, FetcherDep, ItemId, SnapshotDep, StateDep, WritersDep
from api.errors import Code, Refusal
from api.fetch.client import Downloads
from api.items import add, update
from api.items.add import Answer, Ticket
from api.items.batch import answer_lines
from api.items.upload import NDJSON, fingerprint, new_item, picture_of, read_lines
from api.openapi.bodies import body_of, filter_parameter, json_body, reference
from api.openapi.problems import problems
from api.schemas.clusters import DeletedAnswer, LineAnswer
from api.schemas.item_request import DESCRIPTION_EXAMPLES, ITEM_EXAMPLES, DescriptionBody, ItemBody, ItemForm
from api.schemas.search_answer import ItemAnswer, item_url
from api.security.keys import Write
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from api.web.bodies import read_either, read_json_body
from api.web.parameters import read_filter
from retrieval.filters import Filter

BATCH_PATH = "/items/batch"
BODY_PROBLEMS: tuple[Code, ...] = ("unparseable", "too_many_bytes", "unsupported_body", "invalid_parameter")
UNFILTERED = "filter: say which items are to go; {} means all of them."

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=128,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="Chosen by you, once for each item: the same request sent again with it, as after a lost answer, "
        "is answered as the first time and adds nothing. Remembered for a week.",
        examples=["order-4711/picture-2"],
    ),
]
LINES = {NDJSON: {"schema": reference(LineAnswer)}}

router = APIRouter(tags=["items"], dependencies=[Write])


@router.post(
    "/items",
    operation_id="add_item",
    summary="Add an item",
    status_code=201,
    response_model=ItemAnswer,
    responses=problems(
        *BODY_PROBLEMS,
        "item_exists",
        "idempotency_conflict",
        "unsupported_format",
        "broken_image",
        "too_many_pixels",
        "face_missing",
        "url_refused",
        "url_failed",
        "not_ready",
        "overloaded",
        "url_timeout",
    )
    | {
        200: {"model": ItemAnswer, "description": "It is there already, with this very picture; nothing has changed."},
        201: {"headers": {"Location": {"description": "Where the item is.", "schema": {"type": "string"}}}},
    },
    openapi_extra={"requestBody": body_of(ItemForm, ItemBody, ITEM_EXAMPLES)},
)
async def post_item(
    request: Request,
    engine: EngineDep,
    _: SnapshotDep,
    fetcher: FetcherDep,
    pool: WritersDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send exactly one of `file`, `image_base64` and `url`. The next search finds it, and nothing is trained again.

    Where every face of a picture is an item, those after the largest get its id with #2, #3 and so on at the end.
    """
    body = await read_either(request, ItemForm, ItemBody)
    downloads = await fetcher.fetch_all(body.urls())
    answer = await pool.run(_add, engine, body, downloads, idempotency_key)
    location = item_url(ItemAnswer.model_validate_json(answer.body).id)
    return Response(answer.body, answer.status, {"Location": location}, "application/json")


@router.post(
    BATCH_PATH,
    operation_id="add_items",
    summary="Add many items: one in each line",
    response_class=Response,
    responses=problems("unsupported_body", "not_ready")
    | {200: {"description": "What became of each line.", "content": LINES}},
    openapi_extra={"requestBody": json_body(ItemBody, ITEM_EXAMPLES, NDJSON)},
)
async def post_batch(request: Request, state: StateDep, _: SnapshotDep, fetcher: FetcherDep) -> Response:
    """Each line is a JSON body of `POST /items`, and is answered by a line; a broken one does not stop the others.

    A line may be as long as a request elsewhere, and there may be 10,000 of them.
    """
    # What was added before a client goes away stays added.
    lines = read_lines(request, state.upload_limit_bytes)
    answers = await answer_lines(lines, state.engine, fetcher, state.writers, request.state.request_id)
    return Response("".join(f"{answer.model_dump_json()}\n" for answer in answers), media_type=NDJSON)


@router.patch(
    "/item",
    operation_id="describe_item",
    summary="Change an item's label or attributes",
    responses=problems(*BODY_PROBLEMS, "item_missing", "not_ready", "overloaded"),
    openapi_extra={"requestBody": json_body(DescriptionBody, DESCRIPTION_EXAMPLES)},
)
async def patch_item(
    item_id: ItemId, request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep
) -> ItemAnswer:
    """What is not named stays as it is; null takes away. A training run describes its source's items anew."""
    body = await read_json_body(request, DescriptionBody)
    return await pool.run(update.describe, engine, item_id, body)


@router.delete(
    "/item",
    operation_id="delete_item",
    summary="Delete an item",
    status_code=204,
    response_class=Response,
    responses=problems("item_missing", "not_ready", "overloaded"),
)
async def delete_item(item_id: ItemId, engine: EngineDep, _: SnapshotDep, pool: WritersDep) -> Response:
    """No search finds it any more. A training run brings back what its source still has."""
    await pool.run(update.delete, engine, item_id)
    return Response(status_code=204)


@router.delete(
    "/items",
    operation_id="delete_items",
    summary="Delete every item that a filter lets through, or only count them",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
    openapi_extra={"parameters": [filter_parameter(required=True)]},
)
async def delete_items(
    request: Request,
    engine: EngineDep,
    snapshot: SnapshotDep,
    pool: WritersDep,
    dry_run: Annotated[bool, Query(description="Only say how many there are.")] = False,
) -> DeletedAnswer:
    """The filter must be sent; `{}` means everything."""
    if not request.query_params.get("filter"):
        raise Refusal("invalid_parameter", UNFILTERED)
    return await pool.run(_delete_matching, engine, snapshot, read_filter(request), dry_run)


def _add(engine: Engine, body: ItemBody, downloads: Downloads, key: str | None) -> Answer:
    if key is None:
        return add.add(engine, new_item(body, downloads))
    if body.url is None:
        picture = sha256(picture_of(body, downloads)).hexdigest()
        return add.add(engine, new_item(body, downloads), Ticket(key, fingerprint(body, picture)))
    # A URL may lead nowhere by now, or to another picture, and the same request is still the same one.
    ticket = Ticket(key, fingerprint(body, body.url))
    known = add.remembered(add.live_of(engine).catalogue, ticket)
    return known or add.add(engine, new_item(body, downloads), ticket)


def _delete_matching(engine: Engine, snapshot: Snapshot, filter_: Filter, dry_run: bool) -> DeletedAnswer:
    if dry_run:
        return DeletedAnswer(matching=snapshot.catalogue.count_matching(filter_), deleted=0)
    deleted = update.delete_matching(engine, filter_)
    return DeletedAnswer(matching=deleted, deleted=deleted)
