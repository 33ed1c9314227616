"""The map: the vectors on a plane, by their first two principal components. Blocking."""

import heapq
from zlib import crc32

import numpy as np

from api.schemas.clusters import MapAnswer, MapPoint
from api.schemas.search_answer import thumbnail_url
from api.serving.snapshot import Snapshot
from retrieval.clusters import Doubles, Vectors

MOST_POINTS = 5000


def draw_map(snapshot: Snapshot, limit: int) -> MapAnswer:
    """Where each vector is, or where there are more than `limit`, each of a sample. Raises CatalogueError.

    The sample is by a checksum of the id, so that it stays nearly the same while items come and go.
    """
    ids = snapshot.store.ids()
    chosen = ids if len(ids) <= limit else heapq.nsmallest(limit, ids, key=_place)
    members = snapshot.store.get_many(chosen)
    items = snapshot.catalogue.get_many(members.ids)
    points = principal_components(members.vectors).tolist()
    rows = sorted(zip(members.ids, points, members.clusters.tolist(), strict=True))
    return MapAnswer(
        points=[
            MapPoint(
                id=item_id, x=x, y=y, label=items[item_id].label, cluster=cluster, thumbnail_url=thumbnail_url(item_id)
            )
            for item_id, (x, y), cluster in rows
            if item_id in items
        ],
        total=len(ids),
    )


def principal_components(vectors: Vectors) -> Doubles:
    """Vectors [n, d] on their first two principal axes, float64 [n, 2]; of either, the largest part is positive."""
    centred = vectors.astype(np.float64) - (vectors.mean(axis=0, dtype=np.float64) if len(vectors) else 0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # by ascending variance
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)
    points: Doubles = centred @ axes
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def _place(item_id: str) -> tuple[int, str]:
    return crc32(item_id.encode()), item_id
