"""GET /labels/wrong: labels that are probably wrong."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import ArtifactsDep, PoolDep, SnapshotDep
from api.items.wrong_labels import MAX_LOOKED_AT, list_wrong_labels
from api.openapi.problems import problems
from api.schemas.fields import Whole
from api.schemas.items.wrong_labels import WrongLabelsAnswer
from api.security.keys import Read

router = APIRouter(tags=["items"], dependencies=[Read])


@router.get(
    "/labels/wrong",
    operation_id="list_wrong_labels",
    summary="Items whose neighbours have another label, the surest first",
    responses=problems("invalid_parameter", "bundle_damaged", "not_ready", "overloaded"),
)
async def get_wrong_labels(
    artifacts: ArtifactsDep,
    snapshot: SnapshotDep,
    pool: PoolDep,
    limit: Annotated[int, Query(ge=1, le=MAX_LOOKED_AT), Whole] = 24,
    offset: Annotated[
        int, Query(ge=0, le=MAX_LOOKED_AT, description="How many of the surest to pass over."), Whole
    ] = 0,
) -> WrongLabelsAnswer:
    """By the health check of the training run that made the live bundle. An item leaves the list when its label is
    changed, or when `POST /feedback` says that it is `right` as it is: of the item and itself."""
    return await pool.run(list_wrong_labels, artifacts, snapshot, limit, offset)
