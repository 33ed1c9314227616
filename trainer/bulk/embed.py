"""Embed a whole source with a published bundle, part by part, and add it to the catalogue."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval import bundle
from retrieval.durable import check_writable
from trainer.bulk.add import Added, add_shards
from trainer.bulk.parts import Part, divide, embed_part
from trainer.bulk.shards import is_whole, summary
from trainer.bulk.workers import Workers
from trainer.bundles import load_current
from trainer.progress import Listener
from trainer.sources import read_source
from trainer.sources.base import Skipped


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source. `added`: of the items that were embedded, if they were to be added."""

    bundle_id: str
    pictures: int
    items: int
    skipped: Sequence[Skipped]
    added: Added | None


def embed_source(
    source: str, artifacts: Path, workers: Workers, listener: Listener, *, shards: Path | None, adds: bool
) -> Outcome:
    """Embed the pictures of a source by the live bundle.

    `shards`: a folder in which the Parquet files stay; without it they go once their items are added. A run that was
    stopped goes on behind the shards that are whole. `adds`: whether the items are added to the catalogue.
    Raises SourceError, BundleError, BulkError, and what `add_shards` raises.
    """
    with listener.step("Finding pictures") as progress:
        listing = read_source(source, artifacts, progress=progress)
    for note in listing.notes:
        listener.note(note)
    loaded = load_current(artifacts)
    bundle_folder = bundle.bundle_path(artifacts.absolute(), loaded.manifest.id)
    folder = (shards or artifacts / "cache" / "shards" / loaded.manifest.id).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder)
    parts = divide(listing.pictures, bundle_folder, folder)
    _embed_parts(parts, workers, listener)
    added: Added | None = None
    if adds:
        with listener.step("Adding items") as progress:
            added = add_shards(artifacts, loaded, [part.shard for part in parts], progress)
    summaries = [summary(part.shard) for part in parts]
    skipped = [*listing.skipped, *(entry for one in summaries for entry in one.skipped)]
    if added is not None:
        skipped += added.skipped
    if shards is None and adds:
        shutil.rmtree(folder)
    pictures = len(listing.pictures) + len(listing.skipped)
    return Outcome(loaded.manifest.id, pictures, sum(one.items for one in summaries), skipped, added)


def _embed_parts(parts: Sequence[Part], workers: Workers, listener: Listener) -> None:
    rest = [part for part in parts if not is_whole(part.shard, part.key)]
    total = sum(len(part.pictures) for part in parts)
    count = total - sum(len(part.pictures) for part in rest)
    if count:
        listener.note(f"{count:,} of {total:,} pictures are embedded already.")
    with listener.step("Embedding pictures") as progress:
        for done in workers.run(embed_part, rest):
            count += done
            progress(count, total)
