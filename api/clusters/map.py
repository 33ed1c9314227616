"""The map: vectors on a plane, all of them or a sample. Blocking.

It is drawn anew once items or vectors have changed. What was drawn is kept as JSON.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from api.links import root_path
from api.schemas.clusters import MapAnswer, MapPoint
from api.schemas.search.answer import thumbnail_url
from api.serving.snapshot import Snapshot
from retrieval.clusters import Doubles, Vectors

MAX_POINTS = 5000
MAX_KEPT = 4
"""Maps of a bundle that are kept, each of another limit or path: at most about 1 MB each."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a map was drawn from."""

    catalogue: int
    """Its version."""
    stamps: bytes
    """Of the clusters; see `VectorStore.cluster_stamps`."""


@dataclass(slots=True)
class _Maps:
    """The latest maps of a bundle, by limit and by the path under which the server is reached."""

    lock: Lock = field(default_factory=Lock)
    latest: OrderedDict[tuple[int, str], tuple[_State, bytes]] = field(default_factory=OrderedDict)


_MAPS: WeakKeyDictionary[Snapshot, _Maps] = WeakKeyDictionary()
_TAKING = Lock()


def read_map(snapshot: Snapshot, limit: int) -> bytes:
    """What `draw_map` answers, as JSON. Raises CatalogueError."""
    with _TAKING:
        maps = _MAPS.setdefault(snapshot, _Maps())
    key = limit, root_path.get()
    with maps.lock:  # so that many who wait for one map draw it once
        # Read before the map is drawn: what changes meanwhile is drawn the next time.
        state = _State(snapshot.catalogue.state().version, snapshot.store.cluster_stamps().tobytes())
        kept = maps.latest.get(key)
        if kept is None or kept[0] != state:
            kept = state, draw_map(snapshot, limit).model_dump_json().encode()
        maps.latest[key] = kept
        maps.latest.move_to_end(key)
        while len(maps.latest) > MAX_KEPT:
            maps.latest.popitem(last=False)
    return kept[1]


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
