"""Features of items from the cache of the run that made their bundle, by the SHA-256 of their pictures.

No file is read for what is known; a picture that came since is computed, and kept for the next time.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrieval.bundle import Bundle
from retrieval.catalogue import Item
from retrieval.faces.spec import face_of
from retrieval.images import ImageInfo
from trainer.data import features
from trainer.data.features import FeatureCache, Features, PictureFile, Views
from trainer.data.large_arrays import empty_rows
from trainer.learning.base import Base
from trainer.pictures import picture_path
from trainer.progress import Listener
from trainer.sources.base import Picture, Skipped


def recall(items: Sequence[Item], base: Base, loaded: Bundle, artifacts: Path, listener: Listener) -> Features:
    """Features of every item whose picture can be read, in the order of the items; the others are skipped."""
    config, encoder = base.config, base.encoders.onnx
    views = Views(config.head.views)
    cache = artifacts / "cache" / f"{features.cache_name(config, views, base.fingerprint)}.sqlite"
    pictures = [
        Picture(
            item.id,
            picture_path(artifacts, item),
            item.label,
            item.attributes,
            face=face_of(item.id, loaded.manifest.faces),
        )
        for item in items
    ]
    values = empty_rows((len(items), 1 + views.augmented, encoder.dims), artifacts / "cache")
    known = np.zeros(len(items), bool)
    with FeatureCache(cache) as stored:
        for row, (item, picture) in enumerate(zip(items, pictures, strict=True)):
            kept = stored.get(features.content_key(item.sha256, picture.face), encoder.dims)
            if kept is not None and len(kept) == 1 + views.augmented:
                values[row], known[row] = kept, True
    files = {
        item.id: _file(item, picture)
        for item, picture, is_known in zip(items, pictures, known, strict=True)
        if is_known
    }
    skipped: list[Skipped] = []
    unknown = np.flatnonzero(~known).tolist()
    if unknown:
        with listener.step("Computing features of new pictures") as progress:
            computed = features.compute(
                [pictures[row] for row in unknown],
                encoder,
                views=views,
                seed=config.seed,
                cache=cache,
                progress=progress,
                opener=loaded.embedder.opener,
                fit=config.encoder.fit,
            )
        rows = {items[row].id: row for row in unknown}
        for file, rows_of_picture in zip(computed.files, computed.values, strict=True):
            values[rows[file.picture.id]] = rows_of_picture
            files[file.picture.id] = file
        skipped += computed.skipped
    usable = [row for row, item in enumerate(items) if item.id in files]
    if len(usable) < len(items):
        values = values[usable]
    return Features([files[items[row].id] for row in usable], values, None, skipped)


def _file(item: Item, picture: Picture) -> PictureFile:
    """What opening the picture would tell, from the catalogue."""
    info = ImageInfo(item.media_type.removeprefix("image/").upper(), item.media_type, item.width, item.height)
    return PictureFile(picture, item.sha256, info)
