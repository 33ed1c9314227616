"""The clusters as they are now, and whether the catalogue has drifted from what was trained on. Blocking.

Everything is read cluster by cluster, so that no more than one cluster's vectors is held at once.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from api.errors import Refusal
from api.schemas.clusters import ClusterAnswer, ClusterDetail, ClustersAnswer, Drift, LabelCount, MapAnswer, MapPoint
from api.schemas.search_answer import ItemAnswer, thumbnail_url
from api.serving.snapshot import Snapshot
from retrieval.catalogue import Item
from retrieval.clusters import Doubles, Vectors, lengths_of

MAX_POINTS = 5000


def draw_map(snapshot: Snapshot, limit: int) -> MapAnswer:
    """Where each vector is, or where there are more than `limit`, each of a sample. Raises CatalogueError.

    The sample is by a checksum of the id, so that it stays nearly the same while items come and go.
    """
    ids = snapshot.store.ids()
    sample_ids = ids if len(ids) <= limit else heapq.nsmallest(limit, ids, key=_place)
    members = snapshot.store.get_many(sample_ids)
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


LABELS = 5
"""Most frequent ones that are told of each cluster."""
SAMPLE = 50

OUTSIDE = 0.05
"""Share of all vectors outside their clusters' trained reach from which on retraining pays."""
MORE_THAN_CHANCE = 2.0
"""How many times more than newcomers of the same kind would be outside."""
GROWN = 2.0
"""Times as many items as were trained on."""
IMBALANCED = 4.0
"""Times as many vectors as in equal clusters that a search for a random item reads of its own cluster."""


@dataclass(frozen=True, slots=True)
class _Cluster:
    ids: Sequence[str]
    """Nearest to the centroid first."""
    spans: Doubles
    """Distances to the centroid [n], ascending."""
    outside: int
    """Members beyond the radius that was trained."""


def list_clusters(snapshot: Snapshot) -> ClustersAnswer:
    """Every cluster, and how far all of it has drifted. Raises CatalogueError."""
    clusters = [_cluster(snapshot, number) for number in range(len(snapshot.bundle.clusters))]
    medoids = snapshot.catalogue.get_many([cluster.ids[0] for cluster in clusters if len(cluster.ids)])
    places = {item_id: number for number, cluster in enumerate(clusters) for item_id in cluster.ids}
    labels = [Counter[str]() for _ in clusters]
    for item_id, label in snapshot.catalogue.each_label():
        if label is not None and item_id in places:
            labels[places[item_id]][label] += 1
    return ClustersAnswer(
        clusters=[
            _answer(number, cluster, medoids, counted)
            for number, (cluster, counted) in enumerate(zip(clusters, labels, strict=True))
        ],
        drift=drift(snapshot, [len(cluster.ids) for cluster in clusters], sum(each.outside for each in clusters)),
    )


def get_cluster(snapshot: Snapshot, number: int) -> ClusterDetail:
    """One cluster with a sample of its items. Raises Refusal (cluster_missing), CatalogueError."""
    if number >= len(snapshot.bundle.clusters):
        raise Refusal("cluster_missing")
    cluster = _cluster(snapshot, number)
    items = snapshot.catalogue.get_many(cluster.ids)
    counted = Counter(item.label for item in items.values() if item.label is not None)
    nearest = [items[item_id] for item_id in cluster.ids if item_id in items][:SAMPLE]
    answer = _answer(number, cluster, items, counted)
    return ClusterDetail(**dict(answer), sample=[ItemAnswer.of(item) for item in nearest])


def drift(snapshot: Snapshot, sizes: Sequence[int], outside: int) -> Drift:
    """How far the vectors, so many in each cluster and so many outside, are from what was trained on.

    A radius is that of the farthest of n trained members. Of one more of the same kind, each of the n + 1 is the
    farthest equally often: it is outside with a probability of 1 / (n + 1). Only what is beyond that is drift.
    """
    items, trained, count = sum(sizes), snapshot.bundle.manifest.counts.items, len(sizes)
    share = outside / items if items else 0.0
    imbalance = count * sum(size**2 for size in sizes) / items**2 if items else 1.0
    by_chance = max(0, items - trained) * count / (trained + count) / items if items else 0.0
    reason = None
    if share > OUTSIDE and share > MORE_THAN_CHANCE * by_chance:
        reason = f"{share:.0%} of the items are unlike anything their clusters were trained on."
    elif items >= GROWN * trained:
        reason = f"There are {items / max(1, trained):.1f} times as many items as were trained on."
    elif imbalance > IMBALANCED:
        reason = f"The clusters have become uneven: a search reads {imbalance:.1f} times as much as in equal ones."
    return Drift(
        items=items,
        trained_items=trained,
        outside_share=share,
        imbalance=imbalance,
        retrain=reason is not None,
        reason=reason or "The items are much like those that were trained on.",
    )


def _cluster(snapshot: Snapshot, number: int) -> _Cluster:
    members = snapshot.store.members(number)
    spans = lengths_of(members.vectors.astype(np.float64) - snapshot.bundle.clusters.doubles[number])
    order = np.argsort(spans)
    reached = snapshot.bundle.radii[number] * (1 + 1e-6)  # the radii were rounded elsewhere
    return _Cluster([members.ids[row] for row in order], spans[order], int((spans > reached).sum()))


def _answer(number: int, cluster: _Cluster, items: dict[str, Item], labels: Counter[str]) -> ClusterAnswer:
    medoid = next((items[item_id] for item_id in cluster.ids[:1] if item_id in items), None)
    most = sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))[:LABELS]
    return ClusterAnswer(
        number=number,
        size=len(cluster.ids),
        radius=float(cluster.spans[-1]) if len(cluster.ids) else 0.0,
        medoid=medoid and ItemAnswer.of(medoid),
        labels=[LabelCount(label=label, count=count) for label, count in most],
    )
