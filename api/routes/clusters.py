"""What the vectors look like from afar: clusters, drift, the map, and groups of faces."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.clusters.figures import list_clusters
from api.clusters.map import MAX_POINTS, read_map
from api.clusters.overview import read_detail
from api.deps import PoolDep, SnapshotDep
from api.openapi.problems import problems
from api.schemas.clusters import ClusterDetail, ClustersAnswer, MapAnswer, PeopleAnswer
from api.schemas.fields import CursorText, Whole
from api.schemas.items.listing import Limit
from api.search.people import PeopleKind, list_people
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
    response_model=MapAnswer,
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def get_map(
    snapshot: SnapshotDep, pool: PoolDep, limit: Annotated[int, Query(ge=1, le=MAX_POINTS), Whole] = 2000
) -> Response:
    """Near is alike, far is not always unlike: two dimensions show a part of the differences."""
    return Response(await pool.run(read_map, snapshot, limit), media_type="application/json")


@router.get(
    "/groups",
    operation_id="list_groups",
    summary="The people of a model that compares faces: labels, and groups of faces that have none yet",
    responses=problems("cursor_expired", "invalid_parameter", "unsupported_by_model", "not_ready", "overloaded"),
)
async def get_groups(
    snapshot: SnapshotDep,
    pool: PoolDep,
    kind: Annotated[PeopleKind | None, Query(description="Only labels, or only groups.")] = None,
    limit: Annotated[Limit, Query()] = 24,
    cursor: Annotated[CursorText | None, Query()] = None,
) -> PeopleAnswer:
    """Those of most items first. `lookalike cluster --faces` finds the groups, `lookalike name` gives one a label.

    The items of a group are those of the filter `{"attributes": {"face_group": "group-7"}}`.
    """
    return await pool.run(list_people, snapshot, kind, limit, cursor)
