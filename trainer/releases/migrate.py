"""Vectors of bundles moved from one place to another, and compared afterwards."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from retrieval import bundle
from retrieval.clusters import Clusters
from retrieval.errors import VectorStoreError
from retrieval.vectors.stores import VectorStores, copy_store
from trainer.progress import Listener

QUERIES = 100
"""Vectors of a bundle that both places are searched with afterwards."""
HITS = 10
FIRST_SEED = 0


@dataclass(frozen=True, slots=True)
class Migration:
    """What was done with a bundle: its vectors in the new place, and whether they had been there before."""

    bundle_id: str
    vectors: int
    moved: bool
    certified: bool
    """Whether both places answer exactly, so that answers were compared; otherwise vectors were."""


def migrate(artifacts: Path, source: VectorStores, target: VectorStores, listener: Listener) -> list[Migration]:
    """Copy the vectors of every bundle that has some; those in the old place stay.

    A bundle whose vectors are all in the new place already is passed over, so that a stopped migration goes on. Both
    places are then searched with the same queries; where one of them has an index that does not answer exactly, the
    vectors themselves are compared. Raises VectorStoreError if they answer differently, StorageError.
    """
    ids = [bundle_id for bundle_id in bundle.all_ids(artifacts) if source.exists(bundle_id)]
    done = []
    with listener.step("Moving vectors") as progress:
        for number, bundle_id in enumerate(ids):
            progress(number, len(ids))
            folder = bundle.fetched(artifacts, bundle_id)
            clusters = bundle.read_clusters(folder)
            digests = source.held(bundle_id, clusters)
            moved = not target.exists(bundle_id) or target.held(bundle_id, clusters) != digests
            if moved:
                copy_store(bundle_id, partial(bundle.read_clusters, folder), source, target)
            certified = _compare(bundle_id, clusters, (source, target), list(digests))
            done.append(Migration(bundle_id, len(digests), moved, certified))
        progress(len(ids), len(ids))
    return done


def _compare(bundle_id: str, clusters: Clusters, places: Sequence[VectorStores], ids: Sequence[str]) -> bool:
    """Search both places with vectors of the bundle; whether all answers were exact.

    Raises VectorStoreError for the first answer that differs, or for a vector.
    """
    certified = True
    sample = np.random.default_rng(FIRST_SEED).permutation(len(ids))[:QUERIES]
    source, target = (place.open(bundle_id, clusters) for place in places)
    with closing(source), closing(target):
        for row in sample.tolist():
            query = source.get(ids[row])
            before, after = (each.search(query, k=HITS, metric="cosine", probes="all") for each in (source, target))
            if before.exact and after.exact:
                same = before.ids == after.ids and np.array_equal(before.cosine, after.cosine)
            else:
                certified, same = False, np.array_equal(query, target.get(ids[row]))
            if not same:
                raise VectorStoreError(
                    f"{bundle_id} answers differently in the new place, for the vector of {ids[row]!r}. Remove what is "
                    f"there and migrate again, while nobody adds or deletes items."
                )
    return certified
