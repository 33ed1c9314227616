"""Items that a bundle has no vectors of get them before it goes live. Blocking.

The trainer does the same before it publishes; here it is done for what has come since, and for bundles that were not
loaded while items came. The pictures are read from where the items say.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from hashlib import sha256
from threading import Event

from api.serving.snapshot import Snapshot
from retrieval import bundle as bundles
from retrieval.catalogue import Item
from retrieval.errors import ImageError, PictureMissing
from retrieval.faces.opener import FaceOpener
from retrieval.faces.spec import face_of
from retrieval.images import RGB
from retrieval.vectors.base import missing_ids

logger = logging.getLogger(__name__)

TOGETHER = 16
"""Items embedded between two writes, and between two looks whether to stop."""


class Stopped(Exception):
    """The server stops, so nothing goes live any more."""


def backfill_vectors(snapshot: Snapshot, stopping: Event, without: Collection[str] = ()) -> list[str]:
    """Embed the items that the bundle lacks, except these, and return those whose pictures cannot be used.

    Such a picture is logged and passed over: searches do not find it, and all others go on. Raises Stopped,
    CatalogueError or VectorStoreError.
    """
    return embed_items(snapshot, sorted(set(_lacking(snapshot)).difference(without)), stopping)


def embed_items(snapshot: Snapshot, missing: Sequence[str], stopping: Event) -> list[str]:
    """Embed items, and return those whose pictures cannot be used. Raises as `backfill_vectors` does."""
    skipped: list[str] = []
    for start in range(0, len(missing), TOGETHER):
        if stopping.is_set():
            raise Stopped
        items = snapshot.catalogue.get_many(missing[start : start + TOGETHER])
        skipped += _embed(snapshot, items.values())
    if missing:
        logger.info("embedded %d items that bundle %s had no vectors of", len(missing) - len(skipped), snapshot.id)
    return skipped


def _lacking(snapshot: Snapshot) -> list[str]:
    digests = snapshot.store.held()
    if bundles.pending_path(snapshot.artifacts, snapshot.id).exists():
        # Its release is not finished: it has vectors of the files that its source's items are about to be.
        added = snapshot.catalogue.digests("api")
        digests = {item: digest if item in added else None for item, digest in digests.items()}
    searched = set(snapshot.store.ids())  # another process may have written what searches do not find
    return missing_ids(
        {item: digest for item, digest in digests.items() if item in searched}, snapshot.catalogue.digests()
    )


def _embed(snapshot: Snapshot, items: Iterable[Item]) -> list[str]:
    """Returns the ids of the items that cannot be."""
    ids, digests, pictures, skipped = [], [], [], []
    for item in items:
        try:
            data = snapshot.picture(item)
            picture = encoder_input(snapshot, item, data)
        except (ImageError, PictureMissing) as error:
            logger.warning("bundle %s cannot find item %r: %s", snapshot.id, item.id, error)
            skipped.append(item.id)
            continue
        ids.append(item.id)
        digests.append(sha256(data).hexdigest())
        pictures.append(picture)
    if pictures:
        snapshot.store.upsert(ids, snapshot.bundle.embedder.embed(pictures), digests)
    return skipped


def encoder_input(snapshot: Snapshot, item: Item, data: bytes) -> RGB:
    """What is encoded of an item, whose file this is. Raises ImageError."""
    embedder, face = snapshot.bundle.embedder, face_of(item.id, snapshot.bundle.manifest.faces)
    if face == 1 or not isinstance(embedder.opener, FaceOpener):
        return embedder.prepare(data)
    return embedder.prepare(data, partial(embedder.opener.crop, number=face))
