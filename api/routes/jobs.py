"""POST and GET /jobs: long work is asked for here, and done by a worker; nothing is trained inside the API."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from api.deps import EngineDep, PoolDep, SnapshotDep, WritersDep
from api.items.replies import Ticket
from api.jobs import add_job, cancel_job, get_job, list_jobs
from api.openapi.bodies import json_body
from api.openapi.problems import problems
from api.routes.items.changes import BODY_PROBLEMS
from api.schemas.items.listing import Limit, PageEnd
from api.schemas.jobs import JOB_EXAMPLES, JobAnswer, JobBody, JobListAnswer, JobName
from api.security.keys import Read, Write, key_name
from api.web.bodies import read_json_body
from api.web.write_headers import IdempotencyKey, Unconditional

router = APIRouter(tags=["jobs"])

WAITING: dict[int | str, dict[str, Any]] = {
    200: {"model": JobAnswer, "description": "One of its kind is waiting already: this one."}
}
JobPath = Annotated[JobName, Path(description="The name of a job, from the answer to asking for it, or from the list.")]


@router.post(
    "/jobs",
    dependencies=[Write, Unconditional],
    operation_id="add_job",
    summary="Ask for long work: learning, training again, a report",
    status_code=202,
    response_model=JobAnswer,
    responses=WAITING | problems(*BODY_PROBLEMS, "idempotency_conflict", "not_ready", "overloaded"),
    openapi_extra={"requestBody": json_body(JobBody, JOB_EXAMPLES)},
)
async def post_job(
    request: Request, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """`lookalike worker` does it; what it publishes is served within seconds. GET /jobs shows how far it is."""
    body = await read_json_body(request, JobBody)
    ticket = Ticket.of(idempotency_key, "add_job", body.model_dump(mode="json", exclude_unset=True))
    answer = await pool.run(add_job, engine, body, ticket, key_name(request))
    return Response(answer.body, answer.status, media_type="application/json")


@router.get(
    "/jobs",
    dependencies=[Read],
    operation_id="list_jobs",
    summary="All jobs, the latest first",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def get_jobs(
    snapshot: SnapshotDep,
    pool: PoolDep,
    limit: Limit = 24,
    cursor: Annotated[JobName | None, PageEnd] = None,
) -> JobListAnswer:
    """A thousand are remembered."""
    return await pool.run(list_jobs, snapshot.catalogue, limit, cursor)


@router.get(
    "/jobs/{job}",
    dependencies=[Read],
    operation_id="get_job",
    summary="A job, and how far it is",
    responses=problems("invalid_parameter", "entry_missing", "not_ready", "overloaded"),
)
async def get_one(job: JobPath, snapshot: SnapshotDep, pool: PoolDep) -> JobAnswer:
    """Its step, and how much of that is done; at its end, its last lines."""
    return await pool.run(get_job, snapshot.catalogue, job)


@router.post(
    "/jobs/{job}/cancel",
    dependencies=[Write, Unconditional],
    operation_id="cancel_job",
    summary="Cancel a job",
    response_model=JobAnswer,
    responses=problems("invalid_parameter", "entry_missing", "idempotency_conflict", "not_ready", "overloaded"),
)
async def post_cancel(
    job: JobPath, engine: EngineDep, _: SnapshotDep, pool: WritersDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Its worker stops it within seconds. One that has ended stays as it is."""
    ticket = Ticket.of(idempotency_key, "cancel_job", job)
    answer = await pool.run(cancel_job, engine, job, ticket)
    return Response(answer.body, answer.status, media_type="application/json")
