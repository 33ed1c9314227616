"""Parts: about 2,000 pictures each, which one worker embeds into one shard."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from retrieval import bundle
from retrieval.faces.opener import FaceOpener
from trainer.bulk.shards import write_shard
from trainer.data.loading import embed_readable, one_per_face
from trainer.sources.base import Picture, Skipped

PART_PICTURES = 2_000


@dataclass(frozen=True, slots=True)
class Part:
    """Some pictures, the folder of the bundle that embeds them, and the file that the shard goes to."""

    bundle_folder: Path
    pictures: Sequence[Picture]
    shard: Path
    key: str
    """Another one for another bundle, other pictures or other descriptions; a file that has changed has a new time."""


def divide(pictures: Sequence[Picture], bundle_folder: Path, shards: Path, size: int = PART_PICTURES) -> list[Part]:
    """All pictures in their order, in parts. Raises OSError for a bundle that is not there."""
    manifest = sha256((bundle_folder / "manifest.json").read_bytes()).hexdigest()
    parts = []
    for start in range(0, len(pictures), size):
        some = pictures[start : start + size]
        key = sha256(json.dumps([manifest, *map(_facts, some)], sort_keys=True).encode()).hexdigest()
        parts.append(Part(bundle_folder, some, shards / f"part-{start // size:06d}-{key[:16]}.parquet", key))
    return parts


def embed_part(part: Part) -> int:
    """Embed the pictures of a part and write its shard; how many pictures it was. What a worker does.

    Raises BundleError, OSError where the bundle or the shards' folder cannot be reached from this host.
    """
    embedder = _load(part.bundle_folder).embedder
    pictures: Sequence[Picture] = part.pictures
    faceless: list[Skipped] = []
    if isinstance(embedder.opener, FaceOpener):
        pictures, faceless = one_per_face(pictures, embedder.opener, lambda *_: None)
    embedded = embed_readable(pictures, embedder, lambda *_: None)
    write_shard(part.shard, part.key, replace(embedded, skipped=[*faceless, *embedded.skipped]))
    return len(part.pictures)


@lru_cache(maxsize=1)
def _load(folder: Path) -> bundle.Bundle:
    """The bundle, which a worker loads once for all of its parts."""
    return bundle.load(folder)


def _facts(picture: Picture) -> list[object]:
    """What a shard depends on, of one picture."""
    try:
        state = picture.path.stat()
        file = [state.st_size, state.st_mtime_ns]
    except OSError:  # it is going to be skipped, and looked at again the next time
        file = []
    return [picture.id, str(picture.path), picture.label, dict(picture.attributes), *file]
