"""Writing: items come, are described anew, and go."""

from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request, Response

from api.deps import EngineDep, FetcherDep, ItemId, SnapshotDep, StateDep, WritersDep
from api.errors import Code, Refusal
from api.fetch.client import Downloads
from api.items import add, update
from api.items.batch import Batch
from api.items.prepare import NewItem
from api.items.replace import replace_picture
from api.items.replies import Answer, Ticket, live_of
from api.items.upload import NDJSON, is_ndjson, open_body, picture_of, read_lines
from api.openapi.bodies import body_of, form_body, json_body, reference
from api.openapi.problems import problems
from api.schemas.clusters import LineAnswer, LinesAnswer
from api.schemas.items.write import (
    DESCRIPTION_EXAMPLES,
    ITEM_EXAMPLES,
    DescriptionBody,
    ItemBody,
    ItemForm,
    ItemsBody,
    ItemsEnvelope,
    ReplacementBody,
    ReplacementForm,
)
from api.schemas.search.answer import ItemAnswer, item_url
from api.security.keys import Write, key_name
from api.serving.engine import Engine
from api.web.bodies import media_type_of, read_either, read_json, read_json_body, read_limited
from api.web.streams import LineStream
from api.web.write_headers import IdempotencyKey, Precondition, PreconditionDep, Unconditional

BATCH_PATH = "/items/batch"
BODY_PROBLEMS: tuple[Code, ...] = ("unparseable", "too_many_bytes", "unsupported_body", "invalid_parameter")
PICTURE_PROBLEMS: tuple[Code, ...] = (
    "item_exists",
    "unsupported_format",
    "broken_image",
    "too_many_pixels",
    "face_missing",
    "url_refused",
    "url_failed",
    "url_timeout",
)
CHANGE_PROBLEMS: tuple[Code, ...] = (
    "item_missing",
    "idempotency_conflict",
    "precondition_failed",
    "invalid_parameter",
    "not_ready",
    "overloaded",
)
ETAG = {"ETag": {"description": "The version of the item.", "schema": {"type": "string"}}}
CHANGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG}}
ADDED: dict[int | str, dict[str, Any]] = {
    200: {"model": ItemAnswer, "description": "It is there already, just as it was sent; nothing has changed."},
    201: {"headers": {"Location": {"description": "Where the item is.", "schema": {"type": "string"}}, **ETAG}},
    **problems(*BODY_PROBLEMS, *PICTURE_PROBLEMS, "idempotency_conflict", "not_ready", "overloaded"),
}

NO_ITEMS = f"Send {NDJSON}, a JSON object in each line, or application/json with a list of items."
MANY_ITEMS = {
    "required": True,
    "content": json_body(ItemBody, ITEM_EXAMPLES, NDJSON)["content"] | json_body(ItemsBody)["content"],
}
MANY_ANSWERS = {
    NDJSON: {"schema": reference(LineAnswer)},
    "application/json": {"schema": reference(LinesAnswer)},
}

router = APIRouter(tags=["items"], dependencies=[Write])


@router.post(
    "/items/file",
    dependencies=[Unconditional],
    operation_id="add_item_by_file",
    summary="As POST /items, by a form: for generated clients",
    status_code=201,
    response_model=ItemAnswer,
    responses=ADDED,
    openapi_extra={"requestBody": form_body(ItemForm)},
)
@router.post(
    "/items",
    dependencies=[Unconditional],
    operation_id="add_item",
    summary="Add an item",
    status_code=201,
    response_model=ItemAnswer,
    responses=ADDED,
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
    location = item_url(answer.item_id)
    return Response(answer.body, answer.status, {"Location": location, **_headers(answer)}, "application/json")


@router.post(
    BATCH_PATH,
    dependencies=[Unconditional],
    operation_id="add_items",
    summary="Add many items: one in each line, or a list of them",
    response_class=Response,
    responses=problems("unparseable", "too_many_bytes", "unsupported_body", "invalid_parameter", "not_ready")
    | {200: {"description": "What became of each.", "content": MANY_ANSWERS}},
    openapi_extra={"requestBody": MANY_ITEMS},
)
async def post_batch(
    request: Request, state: StateDep, _: SnapshotDep, fetcher: FetcherDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Each line is a JSON body of `POST /items`, and is answered by a line; a broken one does not stop the others.

    A line may be as long as a request elsewhere, and there may be 10,000 of them. Each answer is sent as soon as its
    item is there. To resume after a break, send the lines again: what is there already is answered with 200, or with
    an `Idempotency-Key` as the first time. A list in JSON, of up to 1,000 items and as long as a request elsewhere, is
    answered by a list.
    """
    batch = Batch(state.engine, fetcher, state.writers, request.state.request_id, idempotency_key)
    kind = media_type_of(request)
    if kind == "application/json":
        body = read_json(ItemsEnvelope, await read_limited(request, state.upload_limit_bytes))
        answers = LinesAnswer(answers=await batch.answer_all(body.items))
        return Response(answers.model_dump_json(), media_type="application/json")
    if not is_ndjson(kind):
        raise Refusal("unsupported_body", NO_ITEMS)
    lines = read_lines(request, state.upload_limit_bytes)
    first = await anext(lines, None)  # at once: what a client that goes away has sent is lost with it
    return LineStream(batch.answers(first, lines), NDJSON)


@router.patch(
    "/item",
    operation_id="describe_item",
    summary="Change an item's label or attributes",
    response_model=ItemAnswer,
    responses=problems(*BODY_PROBLEMS, *CHANGE_PROBLEMS) | CHANGED,
    openapi_extra={"requestBody": json_body(DescriptionBody, DESCRIPTION_EXAMPLES)},
)
async def patch_item(
    item_id: ItemId,
    request: Request,
    engine: EngineDep,
    _: SnapshotDep,
    pool: WritersDep,
    condition: PreconditionDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """What is not named stays as it is; null takes away. It outlives training runs until the source says otherwise."""
    body = await read_json_body(request, DescriptionBody)
    content = body.model_dump(mode="json", exclude_unset=True)
    ticket = Ticket.of(idempotency_key, "describe_item", item_id, content)
    return item_response(await pool.run(update.describe, engine, item_id, body, condition, ticket, key_name(request)))


@router.put(
    "/item/file",
    operation_id="replace_picture_by_file",
    summary="As PUT /item, by a form: for generated clients",
    response_model=ItemAnswer,
    responses=problems(*BODY_PROBLEMS, *CHANGE_PROBLEMS, *PICTURE_PROBLEMS) | CHANGED,
    openapi_extra={"requestBody": form_body(ReplacementForm)},
)
@router.put(
    "/item",
    operation_id="replace_picture",
    summary="Replace an item's picture, and what is known of it",
    response_model=ItemAnswer,
    responses=problems(*BODY_PROBLEMS, *CHANGE_PROBLEMS, *PICTURE_PROBLEMS) | CHANGED,
    openapi_extra={"requestBody": body_of(ReplacementForm, ReplacementBody)},
)
async def put_item(
    item_id: ItemId,
    request: Request,
    engine: EngineDep,
    _: SnapshotDep,
    fetcher: FetcherDep,
    pool: WritersDep,
    condition: PreconditionDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send exactly one of `file`, `image_base64` and `url`. The next search finds the item by its new picture.

    A label and attributes change as by `PATCH /item`: what is not named stays as it is, null takes away.
    """
    body = await read_either(request, ReplacementForm, ReplacementBody)
    downloads = await fetcher.fetch_all(body.urls())
    by = key_name(request)
    return item_response(await pool.run(_replace, engine, item_id, body, downloads, condition, idempotency_key, by))


@router.delete(
    "/item",
    operation_id="delete_item",
    summary="Delete an item",
    status_code=204,
    response_class=Response,
    responses=problems(*CHANGE_PROBLEMS),
)
async def delete_item(
    item_id: ItemId,
    request: Request,
    engine: EngineDep,
    _: SnapshotDep,
    pool: WritersDep,
    condition: PreconditionDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """It is moved into the bin, and no search finds it any more. A training run brings back what its source has."""
    ticket = Ticket.of(idempotency_key, "delete_item", item_id)
    answer = await pool.run(update.delete, engine, item_id, condition, ticket, key_name(request))
    return Response(status_code=answer.status)


def item_response(answer: Answer) -> Response:
    """An item, with its version."""
    return Response(answer.body, answer.status, _headers(answer), "application/json")


def _headers(answer: Answer) -> dict[str, str]:
    return {} if answer.etag is None else {"ETag": answer.etag}


def _add(engine: Engine, body: ItemBody, downloads: Downloads, key: str | None) -> Answer:
    new = open_body(body, downloads, live_of(engine).catalogue, key)
    return new if isinstance(new, Answer) else add.add(engine, new)


def _replace(
    engine: Engine,
    item_id: str,
    body: ReplacementBody | ReplacementForm,
    downloads: Downloads,
    condition: Precondition,
    key: str | None,
    changed_by: str | None,
) -> Answer:
    picture = picture_of(body, downloads)
    description = body.description()
    said = description.model_dump(mode="json", exclude_unset=True)
    ticket = Ticket.of(key, "replace_picture", item_id, body.url or sha256(picture).hexdigest(), said)
    new = NewItem(picture, item_id, None, {}, ticket)
    return replace_picture(engine, item_id, new, description, condition, changed_by)
