"""A shop whose run is published over that of an earlier one, in a fraction of a second and through the real door."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx

from api.serving.snapshot import Snapshot
from api.settings import Settings
from retrieval import bundle, images
from retrieval.catalogue import Catalogue
from retrieval.clusters import Clusters, Reach
from retrieval.encoding.embedder import Embedder
from retrieval.encoding.encoder import OnnxEncoder
from retrieval.encoding.projection import Projection
from retrieval.errors import BundleMissing
from retrieval.pictures import open_pictures
from retrieval.vectors.stores import EmbeddedStores
from tests.support.bundles import (
    CLUSTERS,
    Piece,
    describe,
    picture,
    pieces,
    random_projection,
    some_calibration,
    some_margins,
    write_encoder,
)
from tests.trainer.releases.quiet import Quiet
from trainer.bundles import load_current, open_store
from trainer.data.features import PictureFile
from trainer.indexing import GalleryIndex
from trainer.releases import log, pinned, release
from trainer.releases.release import Release
from trainer.run import write_bundle
from trainer.sources.base import Picture

OLD, NEW = "old", "new"
BEFORE = pieces(12)
ADDED = BEFORE[0]
"""Came to the earlier shop through the API: no source lists it any more, but it stays."""
AFTER = [*(replace(piece, data=picture(100)) for piece in BEFORE[1:2]), *BEFORE[4:], *pieces(16)[12:]]
"""One picture changed, some gone, some new."""
ITEMS = {OLD: {piece.id for piece in BEFORE}, NEW: {piece.id for piece in [*AFTER, ADDED]}}


@dataclass(frozen=True)
class Shop:
    """Two runs, made ready outside the artifacts folder: what publishing does is all that is left to be done."""

    home: Path

    def run(self, bundle_id: str, shop: Sequence[Piece] | None = None, projection: Projection | None = None) -> Release:
        """Publish as a run does at its end; with other pictures or another projection, if they are given."""
        shop = shop or {OLD: BEFORE, NEW: AFTER}[bundle_id]
        work = self.home / "work" / bundle_id
        make_work(self.home, bundle_id)
        files = [self._opened(piece) for piece in shop]
        model = onnx.load(self.home / "encoder.onnx")
        encoder = OnnxEncoder(model.SerializeToString(), "tiny", threads=1)
        embedder = Embedder(encoder, projection or random_projection())
        vectors = embedder.embed([embedder.prepare(piece.data) for piece in shop])
        clusters = Clusters(vectors[:CLUSTERS].copy())
        assigned = clusters.assign(vectors)
        reach = Reach.nowhere(clusters).widened(vectors, assigned)
        reduced = GalleryIndex(None, None, embedder.projection, clusters, reach, assigned, vectors)
        write_bundle.write(
            self.artifacts,
            describe(bundle_id, items=len(shop), clusters=len(clusters)) | {"dims": embedder.projection.dims},
            model,
            reduced,
            len(clusters),
            some_margins(),
            some_calibration(),
            training=work / "training",
            report=work / "report",
            faces=None,
            files=files,
            listener=Quiet(),
        )
        return write_bundle.publish(self.artifacts, bundle_id, files, Quiet())

    @property
    def artifacts(self) -> Path:
        return self.home / "artifacts"

    def _opened(self, piece: Piece) -> PictureFile:
        digest = sha256(piece.data).hexdigest()
        path = self.home / "pictures" / digest
        if not path.exists():
            path.write_bytes(piece.data)
        made = Picture(piece.id, path, piece.label, piece.attributes)
        return PictureFile(made, digest, images.inspect(piece.data))


def make_shop(home: Path, *, published: bool) -> Shop:
    """An artifacts folder, empty or with the earlier run published."""
    shop = Shop(home)
    (home / "pictures").mkdir(parents=True)
    write_encoder(home / "encoder.onnx")
    shop.artifacts.mkdir()
    if published:
        shop.run(OLD)
        with closing(sqlite3.connect(shop.artifacts / "catalogue.sqlite")) as database, database:
            database.execute("UPDATE items SET origin = 'api' WHERE id = ?", [ADDED.id])
    return shop


def make_work(home: Path, bundle_id: str) -> None:
    """What a run leaves for its bundle."""
    for folder, name, text in (("training", "split.csv", "id,part,sha256\n"), ("report", "index.html", "<p>Good.")):
        (home / "work" / bundle_id / folder).mkdir(parents=True, exist_ok=True)
        (home / "work" / bundle_id / folder / name).write_text(text)


def starts_with(artifacts: Path, *, finished: bool, first: bool = False) -> str | None:
    """What a service that starts here serves, once it is proved to be whole and to find every item of its own.

    finished: the publisher has returned, so nothing of its work may be lost. None: nothing is published yet.
    """
    try:
        live = bundle.current(artifacts)
    except BundleMissing:
        assert first, "nothing is published any more"
        assert not finished
        return None
    assert live == NEW or (live == OLD and not first and not finished)
    bundle.verify(bundle.bundle_path(artifacts, live))
    catalogue = Catalogue(bundle.catalogue_url(artifacts))
    settings, stores = Settings(artifacts=artifacts, onnx_threads=1), EmbeddedStores(artifacts)
    snapshot = Snapshot.open(settings, live, catalogue, open_pictures(artifacts), stores)
    try:
        wanted = ITEMS[live] - ({ADDED.id} if first else set())
        listed = set(snapshot.catalogue.ids())
        assert wanted <= set(snapshot.store.ids())
        assert wanted <= listed <= ITEMS[OLD] | ITEMS[NEW]
        vectors = [snapshot.store.get(item) for item in sorted(wanted)]
        assert np.isfinite(vectors).all()
    finally:
        snapshot.close()
        catalogue.close()
    assert pinned.read(artifacts)
    if live == NEW:
        assert log.before(artifacts) == (None if first else OLD)
        if finished:
            assert log.read(artifacts)[-1].bundle_id == NEW
            assert not bundle.pending_path(artifacts, NEW).exists()
        release.publish(artifacts, NEW, Quiet())  # finishes what was begun
        assert catalogued(artifacts) == wanted
    return live


def catalogued(artifacts: Path) -> set[str]:
    """The ids of all items."""
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        return set(catalogue.ids())


def live(shop: Shop) -> str:
    """The id of the bundle that is served."""
    return bundle.current(shop.artifacts)


def searchable(shop: Shop) -> set[str]:
    """The items that the live bundle finds."""
    with closing(open_store(shop.artifacts, load_current(shop.artifacts))) as store:
        return set(store.ids()) & catalogued(shop.artifacts)
