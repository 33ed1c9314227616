"""What is loaded, and how another model goes live while requests are answered.

What is published is watched. Another bundle is loaded beside the live one and gets the vectors that it lacks; then one
reference is replaced. A request is answered from start to end by what was loaded when it came; what is replaced is
closed after the last of its requests. Whatever goes wrong meanwhile, what is loaded goes on serving, and `readiness`
says why.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from time import monotonic

from api.errors import Refusal
from api.limits import give_way
from api.schemas.health import Ready, Unready
from api.serving.agreements import Agreements
from api.serving.cleanup import end_old_entries
from api.serving.failures import Failures
from api.serving.loaded import Loaded
from api.serving.replicas import REPORT_SECONDS, Replicas
from api.serving.snapshot import Served, Snapshot
from api.serving.writes import Writes
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue
from retrieval.durable import check_folder
from retrieval.errors import LookalikeError
from retrieval.pictures import open_pictures
from retrieval.vectors.stores import vector_stores

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0  # between two looks at what is published
KEEP_SECONDS = 60.0  # what was live stays loaded, where others may still lead to it
BIN_SECONDS = 3600.0  # between two looks for entries of the bin whose time is over
STARTING = "The published bundle is being loaded."
LIVE = "live"  # what failed, where it was the published bundle


class Engine:
    """Holds the snapshots. One task runs `run`; everything else may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        artifacts = settings.artifacts
        self._pictures = open_pictures(artifacts, settings.pictures_url or bundles.pictures_url(artifacts))
        vectors_url = settings.vectors_url or bundles.vectors_url(artifacts)
        self._catalogue_url = settings.catalogue_url or bundles.catalogue_url(artifacts)
        self.stores = vector_stores(artifacts, vectors_url, self._catalogue_url)
        """Where the vectors of each bundle are."""
        checks = (partial(check_folder, artifacts), self._pictures.check, partial(self.stores.exists, ""))
        self.writing = Writes(checks, lambda: self._catalogue, seconds=settings.write_seconds)
        """Held by whoever adds or removes an item, and by the engine while it changes what is loaded."""
        self.library = bundles.Library(
            artifacts, settings.artifacts_url or bundles.artifacts_url(artifacts), self._shared
        )
        """The bundles that there are, and which of them is live."""
        self._settings = settings
        self._stopping = threading.Event()
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loader", initializer=give_way)
        """One whose priority the threads of each encoder inherit, as they are started in it."""
        self._ended = asyncio.Event()
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._catalogue: Catalogue | None = None
        self._opening = threading.Lock()  # for the catalogue, which several threads open
        self._all = Loaded()
        self._agreements = Agreements()
        self.replicas = Replicas(self._shared)
        """This server among those that share its database."""
        self._kept: dict[str, float] = {}  # bundles that were live, and until when they stay loaded
        self._bin_until = 0.0  # when the bin is looked at again
        self._behind: set[str] = set()  # bundles whose vectors another process has changed
        self._failures = Failures()

    @property
    def artifacts(self) -> Path:
        """The folder that everything served is in."""
        return self._settings.artifacts

    @property
    def bin_days(self) -> int:
        """How many days deleted items stay in the bin; 0: there is no bin."""
        return self._settings.bin_days

    @property
    def loaded(self) -> tuple[Snapshot, ...]:
        """All that is loaded, the live one first: what an item's vectors are written into, under `writing`."""
        return self._all.snapshots

    @property
    def snapshot(self) -> Snapshot | None:
        """The live one, once there is one. Whoever uses it for longer than a moment takes it by `using`."""
        return next(iter(self._all.snapshots), None)

    @property
    def readiness(self) -> Ready | Unready:
        """Whether searches are answered, by what, and what is wrong."""
        failures, snapshot = self._failures, self.snapshot
        if snapshot is None:
            return failures.get(LIVE) or Unready(status="starting", detail=STARTING)
        unwritable = self.writing.problem
        detail = (
            " ".join([*failures.details, f"Nothing can be written: {unwritable}." if unwritable else ""]).strip()
            or None
        )
        return Ready(
            status="degraded" if detail else "ready",
            bundle=snapshot.id,
            items=len(snapshot.store),
            writes="unavailable" if unwritable else "available",
            detail=detail,
        )

    def using(self) -> AbstractContextManager[Served]:
        """What is loaded now, open until the end of the block. Raises Refusal (not_ready) while nothing is."""
        return self._all.using()

    async def run(self) -> None:
        """Watch what is published, and whether changes can be written, until `stop`."""
        await asyncio.gather(self._watch(), self.writing.watch(self._ended), self._settle(), self._report())

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            try:
                await asyncio.get_running_loop().run_in_executor(self._loader, self._look)
            except Exception:  # nothing of this may end the watch
                logger.exception("looking for what to serve failed")
            for future in waiting:
                future.set_result(None)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
        for future in self._waiting:
            future.set_result(None)

    async def follow(self) -> None:
        """Look at what is published at once; returns when that is live, or has failed."""
        if self._stopping.is_set():
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wake.set()
        await asyncio.shield(future)  # who stops waiting for it does not end it

    def stop(self) -> None:
        """Let `run` end soon; from the event loop."""
        self._stopping.set()
        self._ended.set()
        self._wake.set()

    def close(self) -> None:
        """Let go of everything; `run` must have ended, and all requests."""
        self._agreements.note(each for each in self._all.snapshots if each.id not in self._behind)
        self._loader.shutdown()
        self._all.close()
        if self._catalogue is not None:
            self._catalogue.close()

    def _look(self) -> None:
        """Load what should be loaded and is not, and close what nobody uses any more."""
        self._all.close_retired()
        self._try(LIVE, self._version(), self._follow_published)
        live = self.snapshot
        if live is None:
            return
        self._end_old_entries(live)
        if self._agreements.is_due():
            with self.writing.patiently():
                self._agreements.note(each for each in self._all.snapshots if each.id not in self._behind)
        beside = self._beside(live.id)
        for bundle_id in beside:
            self._try(bundle_id, None, partial(self._load, bundle_id, live=False))
        unwanted = [each for each in self._all.snapshots[1:] if each.id not in beside]
        if unwanted:
            with self.writing.patiently():
                self._all.replace([each for each in self._all.snapshots if each not in unwanted])
        self._failures.keep({LIVE, *beside})

    def _follow_published(self) -> None:
        self._load(self.library.current(), live=True)

    def _beside(self, live: str) -> list[str]:
        """Those that are wanted besides the live one: by the settings, what was live, and what is about to be."""
        bundle_ids: Sequence[str] = self._settings.bundles
        if self._settings.bundles == "all":
            bundle_ids = [each for each in self.library.ids() if self.stores.exists(each)]
        kept = [each.id for each in self._all.snapshots if self._kept.get(each.id, 0.0) > monotonic()]
        with suppress(LookalikeError):  # of which /readyz tells already
            kept += filter(None, [self.replicas.next()])
        return [each for each in dict.fromkeys([*bundle_ids, *kept]) if each != live]

    def _load(self, bundle_id: str, *, live: bool) -> None:
        """Serve a bundle, unless it is as it should be. Raises LookalikeError or Stopped; then nothing has changed."""
        before = self._all.get(bundle_id)
        if before is not None and before.store.changed_elsewhere():
            self._behind.add(bundle_id)
        loaded = None if bundle_id in self._behind else before
        if loaded is not None and (loaded is self.snapshot or not live):
            return
        snapshot = loaded or self._opened(bundle_id, before)
        try:
            with self.replicas.alone(f"vectors of {bundle_id}", self._stopping):
                self._agreements.prepare(snapshot, self._stopping)
            # So that no item can come between its last look for items and its first request.
            with self.writing.patiently():
                self._agreements.confirm(snapshot, self._stopping)
                snapshot.store.changed_elsewhere()  # what its forerunner wrote meanwhile is here, too, by now
                if live and self.snapshot is not None and self.snapshot.id != bundle_id:
                    self._kept[self.snapshot.id] = monotonic() + self._keep_seconds
                others = [each for each in self._all.snapshots if each.id != bundle_id]
                self._all.replace([snapshot, *others] if live else [*others, snapshot])
        except BaseException:
            if loaded is None:
                snapshot.close()
            raise
        self._behind.discard(bundle_id)
        logger.info("serving %d items from bundle %s%s", len(snapshot.store), bundle_id, "" if live else " if asked")

    def _opened(self, bundle_id: str, before: Snapshot | None) -> Snapshot:
        """A bundle with its vectors as they are now; `before`: the same one with older vectors."""
        if before is not None:
            return before.reopened(self._settings, self.stores)
        self.library.folder(bundle_id)  # which is fetched if need be
        return Snapshot.open(self._settings, bundle_id, self._items(), self._pictures, self.stores)

    async def _report(self) -> None:
        """Beside `_watch`, as loading may take long."""
        while not self._stopping.is_set():
            failed = {name: why.detail for name, why in self._failures.all().items() if name != LIVE}
            await asyncio.to_thread(self.replicas.report, [each.id for each in self._all.snapshots], failed)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), REPORT_SECONDS)
        await asyncio.to_thread(self.replicas.leave)

    async def _settle(self) -> None:
        while not self._stopping.is_set():
            with suppress(Refusal, LookalikeError), self.using() as served:
                await asyncio.to_thread(self._agreements.settle, served.live, self._stopping)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), LOOK_SECONDS)

    def _end_old_entries(self, live: Snapshot) -> None:
        if monotonic() < self._bin_until:
            return
        self._bin_until = monotonic() + BIN_SECONDS
        try:
            if not self.replicas.is_mine("bin", BIN_SECONDS):
                return
            with self.writing.patiently():
                end_old_entries(self._pictures, live.catalogue, self.bin_days)
        except LookalikeError as error:
            logger.warning("old entries of the bin stay for another hour: %s", error)

    def _items(self) -> Catalogue:
        with self._opening:
            if self._catalogue is None:
                self._catalogue = Catalogue(self._catalogue_url, busy_seconds=self._settings.write_seconds)
            return self._catalogue

    def _shared(self) -> Catalogue | None:
        return self._items() if self.is_shared else None

    @property
    def is_shared(self) -> bool:
        """Whether other servers may use the same database."""
        return self._catalogue_url.startswith("postgresql")

    @property
    def _keep_seconds(self) -> float:
        seconds = self._settings.keep_seconds
        return (KEEP_SECONDS if self.is_shared else 0) if seconds is None else seconds

    def _version(self) -> object:
        """What changes whenever a bundle is published; None where that cannot be known."""
        with suppress(LookalikeError):
            return self.library.version()
        return None

    def _try(self, name: str, version: object, load: Callable[[], None]) -> None:
        self._failures.attempt(name, version, load, patient=bool(self._all.snapshots))
