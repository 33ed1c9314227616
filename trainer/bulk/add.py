"""Embedded pictures become items: rows in the catalogue, vectors in whichever store the artifacts folder names."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from retrieval import bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.vectors.base import VectorStore, missing_ids
from trainer.bulk.shards import Shard, read_shard
from trainer.bundles import open_store
from trainer.pictures import copy_pictures, to_item
from trainer.progress import Progress
from trainer.sources.base import Skipped


@dataclass
class Added:
    """How many items are new, how many were there already with the same picture, and which were there with another."""

    new: int = 0
    existing: int = 0
    skipped: list[Skipped] = field(default_factory=list)


def add_shards(artifacts: Path, loaded: bundle.Bundle, shards: Sequence[Path], progress: Progress) -> Added:
    """Add the items of shards to the catalogue, and their vectors to the store of the bundle.

    An item that is there with the same picture stays as it is; one of the same id with another picture is skipped.
    Each shard is added as a whole, its vectors before its rows: what was stopped is done again and gives the same.
    Raises BulkError, CatalogueError, VectorStoreError, StorageError, and SourceError for a picture that has changed.
    """
    added = Added()
    with (
        closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue,
        closing(open_store(artifacts, loaded)) as store,
    ):
        for number, path in enumerate(shards, start=1):
            _add(artifacts, read_shard(path), catalogue, store, added)
            progress(number, len(shards))
    return added


def _add(artifacts: Path, shard: Shard, catalogue: Catalogue, store: VectorStore, added: Added) -> None:
    locations = copy_pictures(artifacts, shard.files, lambda *_: None)
    items = [to_item(file, artifacts, locations.get(file.sha256)) for file in shard.files]
    rows_of = {item.id: row for row, item in enumerate(items)}
    with catalogue.writing() as rows:
        new = rows.insert(items)
        existing = {item.id: item for item in rows.get_all([item.id for item in items if item.id not in new])}
        same = {item.id for item in items if item.id in existing and existing[item.id].sha256 == item.sha256}
        wanted = new | set(_without_vector(store, (item for item in items if item.id in same)))
        ids = sorted(wanted, key=rows_of.__getitem__)
        if ids:
            places = np.array([rows_of[item_id] for item_id in ids])
            store.upsert(ids, shard.vectors[places], [items[place].sha256 for place in places])
    added.new += len(new)
    added.existing += len(same)
    added.skipped += [
        Skipped(file.picture.place, f"there is an item {item.id} with another picture; replace it by PUT /item")
        for file, item in zip(shard.files, items, strict=True)
        if item.id not in new and item.id not in same
    ]


def _without_vector(store: VectorStore, items: Iterable[Item]) -> list[str]:
    digests = {item.id: item.sha256 for item in items}
    there = store.get_many(list(digests)).ids
    return missing_ids(dict.fromkeys(there), digests)
