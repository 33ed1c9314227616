"""GET /duplicates, and what is below it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.deps import EngineDep, PoolDep, SnapshotDep, StateDep, WritersDep
from api.duplicates.job import Finder, Progress
from api.duplicates.results import Labels, Page, list_dismissals, show
from api.duplicates.schemas import (
    DismissalBody,
    DismissalsAnswer,
    DuplicatesAnswer,
    MergeAnswer,
    MergeBody,
    SearchingAnswer,
)
from api.duplicates.search import Tier
from api.errors import RETRY_AFTER_SECONDS
from api.items.merge import merge
from api.items.replies import Ticket
from api.links import link
from api.openapi.bodies import json_body
from api.openapi.problems import problems
from api.routes.items.changes import BODY_PROBLEMS
from api.schemas.fields import Whole
from api.security.keys import Read, Write, key_name
from api.serving.snapshot import Snapshot
from api.web.bodies import read_json_body
from api.web.write_headers import IdempotencyKey, Plain, Unconditional

MAX_OFFSET = 1_000_000

router = APIRouter(tags=["duplicates"])


@router.get(
    "/duplicates",
    dependencies=[Read],
    operation_id="list_duplicates",
    summary="Items that are there more than once, in groups, with the one worth keeping",
    response_model=DuplicatesAnswer,
    responses={
        202: {"model": SearchingAnswer, "description": "The search is under way; ask again after Retry-After."},
        **problems("unsupported_by_model", "invalid_parameter", "not_ready", "overloaded"),
    },
)
async def get_duplicates(
    snapshot: SnapshotDep,
    state: StateDep,
    pool: PoolDep,
    tier: Annotated[
        Tier,
        Query(
            description="`identical`: the same file. `same_picture`: also resized, recompressed, flipped, cropped or "
            "brightened. `same_thing`: other pictures that surely show the same, by the model's calibration."
        ),
    ] = "same_picture",
    labels: Annotated[
        Labels,
        Query(description="Of the same thing: `different` leaves out groups whose pictures all have one label."),
    ] = "any",
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="How many groups to pass over."), Whole] = 0,
    limit: Annotated[int, Query(ge=1, le=100), Whole] = 20,
) -> DuplicatesAnswer | Response:
    """The first request starts a search over the whole catalogue, which goes on in the background."""
    answer = await pool.run(_answer, snapshot, state.duplicates, Page(tier, labels, offset, limit))
    return answer if isinstance(answer, DuplicatesAnswer) else _searching(answer)


@router.post(
    "/duplicates/refresh",
    dependencies=[Write, Plain],
    operation_id="refresh_duplicates",
    summary="Search for duplicates anew",
    status_code=202,
    response_model=SearchingAnswer,
    responses=problems("not_ready", "overloaded"),
)
async def post_refresh(_snapshot: SnapshotDep, state: StateDep, pool: PoolDep) -> Response:
    """A search that is under way goes on instead."""
    return _searching(await pool.run(state.duplicates.refresh))


@router.post(
    "/duplicates/merge",
    dependencies=[Write, Unconditional],
    operation_id="merge_duplicates",
    summary="Keep one of several copies, with what is known of all, and delete the others",
    response_model=MergeAnswer,
    responses=problems(*BODY_PROBLEMS, "item_missing", "idempotency_conflict", "not_ready", "overloaded"),
    openapi_extra={"requestBody": json_body(MergeBody)},
)
async def post_merge(
    request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """The kept item gets a label where it has none, and the attributes that it does not have. The others are moved into
    the bin."""
    body = await read_json_body(request, MergeBody)
    ticket = Ticket.of(idempotency_key, "merge_duplicates", body.model_dump(mode="json"))
    answer = await pool.run(merge, engine, body, ticket, key_name(request))
    return Response(answer.body, answer.status, media_type="application/json")


@router.post(
    "/duplicates/dismissed",
    dependencies=[Write, Plain],
    operation_id="dismiss_duplicates",
    summary="These are no duplicates of each other",
    status_code=204,
    response_class=Response,
    responses=problems(
        "unparseable",
        "item_missing",
        "too_many_bytes",
        "unsupported_body",
        "invalid_parameter",
        "not_ready",
        "overloaded",
    )
    | {204: {"headers": {"Location": {"description": "Where to undo it.", "schema": {"type": "string"}}}}},
    openapi_extra={"requestBody": json_body(DismissalBody)},
)
async def post_dismissed(request: Request, _: SnapshotDep, state: StateDep, pool: WritersDep) -> Response:
    """No two of them are reported together again, by any search, as long as they have these pictures.

    What was said holds for the pictures: not for another one under one of these ids, and still for the same one under
    another id.
    """
    body = await read_json_body(request, DismissalBody)
    dismissal = await pool.run(_dismiss, state.duplicates, body.ids)
    return Response(status_code=204, headers={"Location": link(f"/duplicates/dismissed/{dismissal}")})


@router.get(
    "/duplicates/dismissed",
    dependencies=[Read],
    operation_id="list_dismissals",
    summary="What was said to be no duplicates of each other",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def get_dismissed(
    snapshot: SnapshotDep,
    state: StateDep,
    pool: PoolDep,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="How many to pass over."), Whole] = 0,
    limit: Annotated[int, Query(ge=1, le=100), Whole] = 20,
) -> DismissalsAnswer:
    """The latest first."""
    return await pool.run(_listed, snapshot, state.duplicates, offset, limit)


@router.delete(
    "/duplicates/dismissed/{dismissal}",
    dependencies=[Write, Plain],
    operation_id="undo_dismissal",
    summary="Forget that these are no duplicates of each other",
    status_code=204,
    response_class=Response,
    responses=problems("dismissal_missing", "not_ready", "overloaded"),
)
async def delete_dismissed(
    dismissal: Annotated[str, Path(max_length=64, examples=["549ffa06777154c68d68ed41e4a0ca51"])],
    _: SnapshotDep,
    state: StateDep,
    pool: WritersDep,
) -> Response:
    """They are reported together again, as far as they are found to be."""
    await pool.run(_undo, state.duplicates, dismissal)
    return Response(status_code=204)


def _answer(snapshot: Snapshot, finder: Finder, page: Page) -> DuplicatesAnswer | Progress:
    outcome = finder.ask()
    if isinstance(outcome, Progress):
        return outcome
    stale = finder.is_stale(snapshot, outcome)
    return show(snapshot, outcome, finder.dismissed(), page, stale=stale)


def _searching(progress: Progress) -> Response:
    answer = SearchingAnswer(step=progress.step, done=progress.done, total=progress.total)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return Response(answer.model_dump_json(), 202, headers, "application/json")


def _dismiss(finder: Finder, ids: Sequence[str]) -> str:
    return finder.dismissals().dismiss(ids)


def _undo(finder: Finder, dismissal: str) -> None:
    finder.dismissals().undo(dismissal)


def _listed(snapshot: Snapshot, finder: Finder, offset: int, limit: int) -> DismissalsAnswer:
    return list_dismissals(snapshot, finder.dismissals(), offset=offset, limit=limit)
