"""Whether the process runs and can search; metrics for Prometheus and statistics for people."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.deps import EngineDep, StateDep
from api.errors import RETRY_AFTER_SECONDS
from api.monitoring.stats import StatsAnswer
from api.openapi.problems import problems
from api.schemas.health import Liveness, Ready, Unready
from api.security.keys import Read

UNREADY: dict[int | str, dict[str, Any]] = {503: {"model": Unready, "description": "Not yet, and why."}}

router = APIRouter(tags=["health"])


@router.get("/livez", operation_id="is_alive", summary="Does the process run?", responses=problems())
async def livez() -> Liveness:
    return Liveness()


@router.get(
    "/readyz",
    operation_id="is_ready",
    summary="Can searches be answered?",
    response_model=Ready,
    responses=problems() | UNREADY,
)
async def readyz(engine: EngineDep) -> Ready | Response:
    readiness = engine.readiness
    if isinstance(readiness, Ready):
        return readiness
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return Response(readiness.model_dump_json(), 503, headers, "application/json")


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Counters and measures in Prometheus's text format",
    dependencies=[Read],
    response_class=Response,
    responses={200: {"description": "The metrics.", "content": {"text/plain": {}}}, **problems()},
)
async def get_metrics(state: StateDep) -> Response:
    """Requests, milliseconds by step, the queue, clusters opened, certified answers, items, and what is loaded."""
    # Not in the pool: when that is full, this is wanted most.
    return Response(await asyncio.to_thread(state.metrics.text), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/stats",
    operation_id="get_stats",
    summary="Where the time of the latest searches went",
    dependencies=[Read],
    responses=problems(),
)
async def get_stats(state: StateDep) -> StatsAnswer:
    return state.stats.answer(state.engine)
