"""How it goes: GET /metrics for Prometheus, GET /stats for people."""

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.deps import EngineDep, MetricsDep, StatsDep
from api.monitoring.stats import StatsAnswer
from api.openapi.problems import problems
from api.security.keys import Read

router = APIRouter(tags=["health"], dependencies=[Read])


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Counters and measures in Prometheus's text format",
    response_class=Response,
    responses={200: {"description": "The metrics.", "content": {"text/plain": {}}}, **problems()},
)
async def get_metrics(metrics: MetricsDep) -> Response:
    """Requests, milliseconds by step, the queue, clusters opened, certified answers, items, and what is loaded."""
    # Not in the pool: when that is full, this is wanted most.
    return Response(await asyncio.to_thread(metrics.text), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/stats",
    operation_id="get_stats",
    summary="Where the time of the latest searches went",
    responses=problems(),
)
async def get_stats(stats: StatsDep, engine: EngineDep) -> StatsAnswer:
    return stats.answer(engine)
