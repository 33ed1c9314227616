"""The map: vectors on a plane, all of them or a sample. Blocking."""

import numpy as np

from api.schemas.clusters import MapAnswer, MapPoint
from api.schemas.search.answer import thumbnail_url
from api.serving.snapshot import Snapshot
from retrieval.clusters import Doubles, Vectors

MAX_POINTS = 5000


def draw_map(snapshot: Snapshot, limit: int) -> MapAnswer:
    """Where each vector is, or where there are more than `limit`, each of a sample. Raises CatalogueError.

    The sample is by a hash of the id, so that it stays nearly the same while items come and go.
    """
    members = snapshot.store.sample(limit)
    labels = snapshot.catalogue.labels_of(members.ids)
    points = principal_components(members.vectors).tolist()
    rows = sorted(zip(members.ids, points, members.clusters.tolist(), strict=True))
    return MapAnswer(
        points=[
            MapPoint(id=item_id, x=x, y=y, label=labels[item_id], cluster=cluster, thumbnail_url=thumbnail_url(item_id))
            for item_id, (x, y), cluster in rows
            if item_id in labels
        ],
        total=len(snapshot.store),
    )


def principal_components(vectors: Vectors) -> Doubles:
    """Vectors [n, d] on their first two principal axes, float64 [n, 2]; of either, the largest part is positive."""
    centred = vectors.astype(np.float64) - (vectors.mean(axis=0, dtype=np.float64) if len(vectors) else 0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # by ascending variance
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)
    points: Doubles = centred @ axes
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
