"""All clusters as they are now: read once, and from then on only those that have changed. Blocking.

Everything is read cluster by cluster, so that no more than one cluster's vectors is held at once. What was read is kept
as JSON, as four thousand clusters are half a megabyte of it.
"""

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from api.clusters.overview import answer_of, drift, read_cluster
from api.links import root_path
from api.serving.snapshot import Snapshot
from retrieval.clusters import Numbers


@dataclass(slots=True)
class _ClusterTexts:
    """The clusters of a bundle as JSON, and what is needed of them beside."""

    lock: Lock = field(default_factory=Lock)
    version: int = -1
    """Of the catalogue, when they were read."""
    stamps: Numbers | None = None
    """Of the clusters, when they were read; see `VectorStore.cluster_stamps`."""
    root: str = ""
    """The path under which the server is reached, which links begin with."""
    texts: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    outside: list[int] = field(default_factory=list)


_TEXTS: WeakKeyDictionary[Snapshot, _ClusterTexts] = WeakKeyDictionary()
_TAKING = Lock()


def list_clusters(snapshot: Snapshot) -> bytes:
    """A ClustersAnswer as JSON. Raises CatalogueError."""
    with _TAKING:
        clusters = _TEXTS.setdefault(snapshot, _ClusterTexts())
    with clusters.lock:
        _update(snapshot, clusters)
        drifted = drift(snapshot, clusters.sizes, sum(clusters.outside)).model_dump_json().encode()
        return b'{"clusters":[%b],"drift":%b}' % (b",".join(clusters.texts), drifted)


def _update(snapshot: Snapshot, clusters: _ClusterTexts) -> None:
    """Read what has changed; what comes meanwhile is read the next time."""
    version, ids = snapshot.catalogue.changed_since(clusters.version)
    stamps = snapshot.store.cluster_stamps()
    if clusters.stamps is None or ids is None or clusters.root != root_path.get():
        changed, count = list(range(len(stamps))), len(stamps)
        clusters.texts, clusters.sizes, clusters.outside = [b""] * count, [0] * count, [0] * count
        clusters.stamps = None  # until all of them have been read
    else:
        described = snapshot.store.get_many(ids).clusters
        changed = np.union1d(np.flatnonzero(stamps != clusters.stamps), described).tolist()
    for number in changed:
        _read(snapshot, clusters, number)
    clusters.version, clusters.stamps, clusters.root = version, stamps, root_path.get()


def _read(snapshot: Snapshot, clusters: _ClusterTexts, number: int) -> None:
    cluster = read_cluster(snapshot, number)
    medoid = snapshot.catalogue.get_many(cluster.ids[:1])
    labels = snapshot.catalogue.labels_of(cluster.ids)
    label_counts = Counter(label for label in labels.values() if label is not None)
    clusters.texts[number] = answer_of(number, cluster, medoid, label_counts).model_dump_json().encode()
    clusters.sizes[number], clusters.outside[number] = len(cluster.ids), cluster.outside
