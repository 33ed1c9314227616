"""What a crash leaves over is swept: vectors that no item names before anything is served, pictures afterwards, as
nobody can ask for them; and what has been in the bin for long enough is deleted for good. Blocking.

An item exists once its row does. So a crash leaves a picture or a vector without a row, of an item that was never
acknowledged or is deleted, and never a row without its picture.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from threading import Event
from typing import TypeVar

from api.serving.snapshot import Snapshot
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue, oldest
from retrieval.errors import StorageError
from retrieval.pictures import PictureStore, is_ours

logger = logging.getLogger(__name__)

AT_ONCE = 500
PLAUSIBLE = 100
"""So many left-overs, and not one picture or vector that has an item, are more likely those of another catalogue."""

LOCATION = re.compile(rb'"location": "([^"\\]*)"')

Value = TypeVar("Value")


def sweep_pictures(
    pictures: PictureStore, catalogue: Catalogue, artifacts: Path, *, before: float, stopping: Event
) -> None:
    """Delete the left-overs among the pictures that were written before a time, in seconds since 1970.

    Not those of items that are to go live with a bundle. There may be a million pictures: it takes its time, others
    write meanwhile, and it ends soon once it is to stop. Where nothing can be deleted they stay, until the next start.
    Raises CatalogueError.
    """
    left: list[str] = []
    total = 0
    try:
        for batch in _batches(pictures.locations(before)):
            if stopping.is_set():
                return
            left += catalogue.unnamed(batch)
            total += len(batch)
        left = sorted(set(left) - _pending_locations(artifacts))
        if _is_plausible("pictures", len(left), total):
            for batch in _batches(iter(left)):
                with catalogue.writing() as rows:  # somebody may have added one meanwhile
                    pictures.discard(rows.unnamed(batch))
        pictures.sweep_drafts()
    except StorageError as error:
        logger.warning("left-over pictures stay until the next start: %s", error)


def end_old_entries(pictures: PictureStore, catalogue: Catalogue, days: int) -> None:
    """Delete for good what has been in the bin for so many days. Raises CatalogueError, StorageError."""
    with catalogue.writing() as rows:
        ended = rows.bin.take_older(oldest(days))
    for batch in _batches(iter({item.location for item in ended})):
        with catalogue.writing() as rows:
            pictures.discard(rows.unnamed(batch))
    if ended:
        logger.info("%d items that had been in the bin for %d days are deleted for good", len(ended), days)


def sweep_vectors(snapshot: Snapshot) -> None:
    """Delete the left-overs among a bundle's vectors.

    Where nothing can be written they stay: no search finds them. Raises CatalogueError, VectorStoreError.
    """
    if bundles.pending_path(snapshot.artifacts, snapshot.id).exists():
        return  # the release of this bundle is not finished: its items are yet to come
    ids = snapshot.store.ids()
    left = set(ids).difference(snapshot.catalogue.ids())
    if not _is_plausible("vectors", len(left), len(ids)):
        return
    try:
        for batch in _batches(iter(left)):
            with snapshot.catalogue.writing() as rows:
                snapshot.store.delete(rows.absent(batch))
    except StorageError as error:
        logger.warning("left-over vectors stay until the next start: %s", error)


def _pending_locations(artifacts: Path) -> set[str]:
    """The pictures of ours that a bundle which is not live yet brings along."""
    locations = (match[1].decode() for line in bundles.pending_lines(artifacts) if (match := LOCATION.search(line)))
    return {location for location in locations if is_ours(location)}


def _is_plausible(what: str, left: int, total: int) -> bool:
    """Whether to delete what is left; not all of a great many, which a catalogue elsewhere may name."""
    if left == total > PLAUSIBLE:
        logger.warning("none of %d %s has an item; they stay, in case this is not their catalogue", left, what)
        return False
    if left:
        logger.info("sweeping %d %s that have no item", left, what)
    return left > 0


def _batches(values: Iterator[Value]) -> Iterator[Sequence[Value]]:
    while batch := list(islice(values, AT_ONCE)):
        yield batch
