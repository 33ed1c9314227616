"""The live snapshot: what is served, as one immutable object, and the task that waits for something to serve."""

import asyncio
import logging
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from api.schemas import Ready, Unready
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.bundle import Bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.errors import BundleMissing, LookalikeError, PictureMissing
from retrieval.vectors.base import VectorStore
from retrieval.vectors.embedded import EmbeddedStore

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # between two looks for a bundle while there is none to serve


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One bundle, its vectors and the items, opened together."""

    artifacts: Path
    pixel_limit: int
    bundle: Bundle
    store: VectorStore
    catalogue: Catalogue

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open what is published; blocking. Raises LookalikeError."""
        artifacts = settings.artifacts
        bundle_id = bundles.current(artifacts)
        bundle = bundles.load(bundles.bundle_path(artifacts, bundle_id), threads=settings.onnx_threads)
        # The first run of a graph is slow, as ONNX Runtime then allocates; and a graph that cannot run is found now.
        encoder = bundle.embedder.encoder
        bundle.embedder.embed([np.zeros((encoder.height, encoder.width, 3), np.uint8)])
        with ExitStack() as opened:
            store = EmbeddedStore.open(
                bundles.vectors_path(artifacts, bundle_id),
                bundle.clusters,
                bundle=bundle_id,
                auto_probes=bundle.auto_probes,
            )
            opened.callback(store.close)
            catalogue = Catalogue(settings.catalogue_url or bundles.catalogue_url(artifacts))
            opened.callback(catalogue.close)
            opened.pop_all()  # nothing failed: they stay open
        return cls(artifacts, settings.pixel_limit, bundle, store, catalogue)

    def picture(self, item: Item) -> bytes:
        """The item's file. Its location is relative to the artifacts folder, or absolute. Raises PictureMissing."""
        path = self.artifacts / item.location
        try:
            return path.read_bytes()
        except OSError as error:
            raise PictureMissing(f"the picture of item {item.id!r} cannot be read: {error}") from error

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()
        self.catalogue.close()


class Engine:
    """Holds the snapshot, once there is one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = asyncio.Event()
        self._unready = Unready(status="starting", detail="The published bundle is being loaded.")
        self.snapshot: Snapshot | None = None
        self.writing = threading.Lock()
        """Held by whoever adds or removes an item, and by the engine while it changes what is loaded."""

    @property
    def loaded(self) -> tuple[Snapshot, ...]:
        """All that is loaded, the live one first: what an item's vectors are written into, under `writing`."""
        return () if self.snapshot is None else (self.snapshot,)

    @property
    def artifacts(self) -> Path:
        """The folder that everything served is in."""
        return self._settings.artifacts

    @property
    def readiness(self) -> Ready | Unready:
        """Whether searches are answered, and if not, why."""
        if self.snapshot is None:
            return self._unready
        return Ready(bundle=self.snapshot.bundle.manifest.id, items=len(self.snapshot.store))

    async def run(self) -> None:
        """Look for a published bundle until there is one that can be served, or until `stop`."""
        while self.snapshot is None and not self._stopping.is_set():
            try:
                self.snapshot = await asyncio.to_thread(Snapshot.open, self._settings)
            except BundleMissing as error:
                self._report(Unready(status="no_bundle", detail=str(error)))
            except LookalikeError as error:
                self._report(Unready(status="broken", detail=str(error)))
            except Exception as error:  # whatever it is, it must be seen on /readyz, and the next publish may mend it
                logger.exception("the published bundle cannot be opened")
                self._report(Unready(status="broken", detail=f"{type(error).__name__}: {error}"))
            else:
                logger.info(
                    "serving %d items from bundle %s", len(self.snapshot.store), self.snapshot.bundle.manifest.id
                )
                return
            await self._pause()

    def stop(self) -> None:
        """Let `run` end soon."""
        self._stopping.set()

    def close(self) -> None:
        """Let go of the snapshot; `run` must have ended."""
        if self.snapshot is not None:
            self.snapshot.close()
            self.snapshot = None

    def _report(self, unready: Unready) -> None:
        if unready != self._unready:
            logger.warning("not ready (%s): %s", unready.status, unready.detail)
        self._unready = unready

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)
