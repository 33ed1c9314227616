"""One bundle with its vectors and the items, opened together; and those of them that answer at one moment."""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from api.errors import Refusal
from api.serving.batch_encoder import TOGETHER, WORTH, TogetherEncoder, gain
from api.serving.query_cache import QueryVectorCache
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.bundle import Bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.encoding.embedder import Embedder
from retrieval.errors import VectorStoreError
from retrieval.pictures import PictureStore
from retrieval.vectors.base import VectorStore
from retrieval.vectors.stores import VectorStores

logger = logging.getLogger(__name__)

NOT_LOADED = "bundle: it is not loaded here; /bundles says which ones are."


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Snapshot:
    """What a request is answered from, start to end. Its vectors and items may change; its bundle never does."""

    artifacts: Path
    pixel_limit: int
    link_seconds: int
    """How long a signed address of a picture is good; 0: pictures are sent by the API itself."""
    bundle: Bundle
    store: VectorStore
    catalogue: Catalogue
    """The engine's, and the same in all snapshots."""
    pictures: PictureStore
    """Likewise."""
    queries: Embedder
    """As the bundle's: for what is searched with, of which there may be much at once."""
    query_cache: QueryVectorCache
    """The vectors of pictures that were searched with."""

    @property
    def together(self) -> int:
        """Pictures of one request in one run of the encoder: one, where sharing runs does not pay."""
        return TOGETHER if isinstance(self.queries.encoder, TogetherEncoder) else 1

    @classmethod
    def open(
        cls, settings: Settings, bundle_id: str, catalogue: Catalogue, pictures: PictureStore, stores: VectorStores
    ) -> Self:
        """Open a bundle of the artifacts folder; blocking. Raises BundleError or VectorStoreError."""
        artifacts = settings.artifacts
        bundle = bundles.load(bundles.bundle_path(artifacts, bundle_id), threads=settings.onnx_threads)
        # The first run of a graph is slow, as ONNX Runtime then allocates; and a graph that cannot run is found now.
        encoder = bundle.embedder.encoder
        bundle.embedder.embed([np.zeros((encoder.height, encoder.width, 3), np.uint8)])
        queries = bundle.embedder
        if _together(settings, bundle):
            queries = replace(queries, encoder=TogetherEncoder(encoder))
        store = _opened_store(settings, stores, bundle)
        query_cache = QueryVectorCache(settings.query_cache_size)
        return cls(
            artifacts,
            settings.pixel_limit,
            settings.pictures_link_seconds,
            bundle,
            store,
            catalogue,
            pictures,
            queries,
            query_cache,
        )

    def reopened(self, settings: Settings, stores: VectorStores) -> Self:
        """The same with its vectors opened anew, as another process has changed them. Raises VectorStoreError."""
        return replace(self, store=_opened_store(settings, stores, self.bundle))

    @property
    def id(self) -> str:
        """The bundle's."""
        return self.bundle.manifest.id

    def picture(self, item: Item) -> bytes:
        """The item's file. Raises PictureMissing, PictureUnavailable."""
        return self.pictures.read(item.location)

    def link(self, item: Item) -> str | None:
        """A signed address of the item's file, where the settings want that and it has one.

        Raises PictureUnavailable.
        """
        return self.pictures.link(item.location, self.link_seconds) if self.link_seconds else None

    def close(self) -> None:
        """Let go of the vectors' file; the catalogue stays open."""
        with suppress(VectorStoreError):  # everything in it is durable already
            self.store.close()


def _opened_store(settings: Settings, stores: VectorStores, bundle: Bundle) -> VectorStore:
    return stores.open(
        bundle.manifest.id,
        bundle.clusters,
        auto_probes=bundle.auto_probes,
        margins=bundle.margins,
        busy_seconds=settings.write_seconds,
    )


def _together(settings: Settings, bundle: Bundle) -> bool:
    """Whether pictures that are searched with at the same time go through the encoder together."""
    if settings.batching != "auto" or settings.workers == 1:
        return settings.batching == "on"
    measured = gain(bundle.embedder.encoder, settings.workers)
    logger.info(
        "bundle %s encodes %d pictures together %.2f times as fast", bundle.manifest.id, settings.workers, measured
    )
    return measured >= WORTH


@dataclass(frozen=True, slots=True)
class Served:
    """The snapshots that answer at one moment, the live one first; at least that one."""

    snapshots: tuple[Snapshot, ...]

    @property
    def live(self) -> Snapshot:
        """What answers whoever names no bundle."""
        return self.snapshots[0]

    def get(self, bundle_id: str) -> Snapshot | None:
        """The snapshot of a bundle, if it is loaded."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == bundle_id), None)

    def of(self, bundle_id: str | None) -> Snapshot:
        """What answers a request that names this bundle, or none. Raises Refusal (bundle_missing)."""
        if bundle_id is None:
            return self.live
        snapshot = self.get(bundle_id)
        if snapshot is None:
            raise Refusal("bundle_missing", NOT_LOADED)
        return snapshot
