"""One cluster as it is now, and whether the catalogue has drifted from what was trained on. Blocking."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from api.errors import Refusal
from api.schemas.clusters import ClusterAnswer, ClusterDetail, Drift, DriftCode, LabelCount
from api.schemas.search.answer import ItemAnswer
from api.serving.snapshot import Snapshot
from retrieval.catalogue import Item
from retrieval.clusters import Doubles, lengths_of

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
class Cluster:
    """The vectors of one cluster, from its centroid outwards."""

    ids: Sequence[str]
    """Nearest to the centroid first."""
    spans: Doubles
    """Distances to the centroid [n], ascending."""
    outside: int
    """Members beyond the radius that was trained."""


def read_detail(snapshot: Snapshot, number: int) -> ClusterDetail:
    """One cluster with a sample of its items. Raises Refusal (cluster_missing), CatalogueError."""
    if number >= len(snapshot.bundle.clusters):
        raise Refusal("cluster_missing")
    cluster = read_cluster(snapshot, number)
    items = snapshot.catalogue.get_many(cluster.ids)
    label_counts = Counter(item.label for item in items.values() if item.label is not None)
    nearest = [items[item_id] for item_id in cluster.ids if item_id in items][:SAMPLE]
    answer = answer_of(number, cluster, items, label_counts)
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
    code: DriftCode = "fits"
    reason = "The items are much like those that were trained on."
    if share > OUTSIDE and share > MORE_THAN_CHANCE * by_chance:
        code, reason = "outside", f"{share:.0%} of the items are unlike anything their clusters were trained on."
    elif items >= GROWN * trained:
        code, reason = "grown", f"There are {items / max(1, trained):.1f} times as many items as were trained on."
    elif imbalance > IMBALANCED:
        code, reason = (
            "uneven",
            f"The clusters have become uneven: a search reads {imbalance:.1f} times as much as in equal ones.",
        )
    return Drift(
        items=items,
        trained_items=trained,
        outside_share=share,
        imbalance=imbalance,
        retrain=code != "fits",
        reason=reason,
        code=code,
    )


def read_cluster(snapshot: Snapshot, number: int) -> Cluster:
    members = snapshot.store.members(number)
    spans = lengths_of(members.vectors.astype(np.float64) - snapshot.bundle.clusters.doubles[number])
    order = np.argsort(spans)
    reached = snapshot.bundle.radii[number] * (1 + 1e-6)  # the radii were rounded elsewhere
    return Cluster([members.ids[row] for row in order], spans[order], int((spans > reached).sum()))


def answer_of(number: int, cluster: Cluster, items: dict[str, Item], labels: Counter[str]) -> ClusterAnswer:
    medoid = next((items[item_id] for item_id in cluster.ids[:1] if item_id in items), None)
    most = sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))[:LABELS]
    return ClusterAnswer(
        number=number,
        size=len(cluster.ids),
        radius=float(cluster.spans[-1]) if len(cluster.ids) else 0.0,
        medoid=medoid and ItemAnswer.of(medoid),
        labels=[LabelCount(label=label, count=count) for label, count in most],
    )
