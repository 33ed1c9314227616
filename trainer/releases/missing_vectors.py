"""Items that came or changed after a bundle was made: it gets their vectors before it goes live."""

from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

import numpy as np

from retrieval.agreement import agree
from retrieval.bundle import Bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.errors import LookalikeError
from retrieval.faces.spec import face_of
from retrieval.vectors.base import missing_ids
from trainer.bundles import open_store, stores_of
from trainer.data.loading import embed_readable
from trainer.pictures import picture_path
from trainer.progress import Listener, Progress
from trainer.sources.base import Picture, Skipped

CHUNK = 512
"""Items embedded between two writes: what a kill costs at most."""


def missing(artifacts: Path, loaded: Bundle, digests: Mapping[str, str]) -> list[str]:
    """Which of these ids have no vector under the bundle, or one of another file than the SHA-256 they are mapped to.

    Reads no vectors. A store that is not there is made, empty. Raises VectorStoreError for one that does not fit.
    """
    stores, bundle_id = stores_of(artifacts), loaded.manifest.id
    if not stores.exists(bundle_id):
        nothing = np.empty((0, loaded.clusters.dims), np.float32)
        stores.create(bundle_id, loaded.clusters, ids=[], vectors=nothing)
    return missing_ids(stores.held(bundle_id, loaded.clusters), digests)


def backfill_vectors(
    artifacts: Path, loaded: Bundle, items: Iterable[Item], total: int, listener: Listener
) -> list[Skipped]:
    """Embed `total` items with the bundle and keep their vectors, a chunk at a time. Returns those it cannot read."""
    skipped: list[Skipped] = []
    remaining = iter(items)
    with (
        closing(open_store(artifacts, loaded)) as store,
        listener.step("Embedding what is missing") as progress,
    ):
        for start in range(0, total, CHUNK):
            pictures = [_picture(item, artifacts, loaded) for item in islice(remaining, CHUNK)]
            embedded = embed_readable(pictures, loaded.embedder, _from(start, total, progress))
            skipped += embedded.skipped
            names = [picture.id for picture in embedded.pictures]
            if names:
                store.upsert(names, embedded.vectors, embedded.digests)
    return skipped


def note_agreement(artifacts: Path, loaded: Bundle, catalogue: Catalogue) -> None:
    """Note that the bundle has the vectors of all items, if it has: then an API that starts need not compare them."""
    with suppress(LookalikeError), closing(open_store(artifacts, loaded)) as store:
        state = catalogue.state()
        if not missing(artifacts, loaded, catalogue.digests()):
            agree(store, catalogue, (), state)


def _from(start: int, total: int, progress: Progress) -> Progress:
    """The progress of a chunk as that of the whole."""
    return lambda done, _chunk: progress(start + done, total)


def _picture(item: Item, artifacts: Path, loaded: Bundle) -> Picture:
    """The item as the trainer's own code opens pictures."""
    face = face_of(item.id, loaded.manifest.faces)
    return Picture(item.id, picture_path(artifacts, item), item.label, face=face)
