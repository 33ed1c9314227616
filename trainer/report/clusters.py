"""What the clusters hold: how many pictures, which of them stands for the rest, and how far they agree."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster that holds pictures.

    `medoid` is the row of the picture nearest to their mean. `label` is the most frequent one, on `share` of all.
    """

    number: int
    size: int
    medoid: int
    label: str | None
    share: float


def describe_clusters(
    vectors: NDArray[np.float32], clusters: NDArray[np.int64], labels: NDArray[np.object_]
) -> list[Cluster]:
    """The clusters of vectors [n, d], largest first. `clusters` int64 [n], `labels` object [n]."""
    if not len(clusters):
        return []
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=clusters[order[0]] - 1))
    described = [_describe(vectors, clusters, labels, members) for members in np.split(order, starts[1:])]
    return sorted(described, key=lambda cluster: (-cluster.size, cluster.number))


def _describe(
    vectors: NDArray[np.float32],
    clusters: NDArray[np.int64],
    labels: NDArray[np.object_],
    members: NDArray[np.int64],
) -> Cluster:
    inside = vectors[members].astype(np.float64)
    nearest = int(members[np.square(inside - inside.mean(axis=0)).sum(axis=1).argmin()])
    label_counts = Counter(label for label in labels[members] if label is not None)
    label, count = min(label_counts.items(), key=lambda entry: (-entry[1], entry[0]), default=(None, 0))
    return Cluster(int(clusters[members[0]]), len(members), nearest, label, count / len(members))
