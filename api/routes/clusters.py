"""What the vectors look like from afar: clusters, drift, and the map."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.clusters.figures import list_clusters
from api.clusters.map import MAX_POINTS, draw_map
from api.clusters.overview import read_detail
from api.deps import PoolDep, SnapshotDep
from api.openapi.problems import problems
from api.schemas.clusters import ClusterDetail, ClustersAnswer, MapAnswer
from api.schemas.fields import Whole
from api.security.keys import Read

router = APIRouter(tags=["clusters"], dependencies=[Read])


@router.get(
    "/clusters",
    operation_id="list_clusters",
    summary="The clusters, and whether it pays to train again",
    response_model=ClustersAnswer,
    responses=problems("not_ready", "overloaded"),
)
async def get_clusters(snapshot: SnapshotDep, pool: PoolDep) -> Response:
    return Response(await pool.run(list_clusters, snapshot), media_type="application/json")


@router.get(
    "/clusters/{number}",
    operation_id="get_cluster",
    summary="One cluster, with those of its items that are nearest to its centre",
    responses=problems("cluster_missing", "invalid_parameter", "not_ready", "overloaded"),
)
async def get_cluster(
    number: Annotated[int, Path(ge=0, le=2**31, examples=[7]), Whole], snapshot: SnapshotDep, pool: PoolDep
) -> ClusterDetail:
    return await pool.run(read_detail, snapshot, number)


@router.get(
    "/map",
    operation_id="get_map",
    summary="The vectors on a plane, by their first two principal components",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def get_map(
    snapshot: SnapshotDep, pool: PoolDep, limit: Annotated[int, Query(ge=1, le=MAX_POINTS), Whole] = 2000
) -> MapAnswer:
    """Near is alike, far is not always unlike: two dimensions show a part of the differences."""
    return await pool.run(draw_map, snapshot, limit)
