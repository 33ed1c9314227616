"""Whether the process runs, and whether it can search."""

from typing import Any

from fastapi import APIRouter, Response

from api.deps import EngineDep
from api.errors import RETRY_AFTER_SECONDS
from api.openapi.problems import problems
from api.schemas.health import Liveness, Ready, Unready

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
