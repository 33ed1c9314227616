"""The application: `create_app(settings)`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.formparsers import MultiPartParser
from starlette.middleware.cors import CORSMiddleware

from api import errors
from api.deps import pools_of
from api.duplicates.job import Finder
from api.fetch.addresses import read_endpoint
from api.fetch.client import Fetcher
from api.limits import Pool, UploadLimit
from api.links import LongValues, ShortLinks
from api.monitoring.metrics import Metrics
from api.monitoring.stats import Stats
from api.openapi import problems
from api.routes import bundles, clusters, compare, duplicates, explore, health, jobs, search
from api.routes.items import bin_entries, bulk, feedback, history, wrong_labels
from api.routes.items import changes as item_changes
from api.routes.items import deletions as item_deletions
from api.routes.items import paths as item_paths
from api.routes.items import reading as items
from api.security.keys import Access, Keys
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from api.settings import Settings
from api.state import AppState
from api.web.admission import Admission, Bounds
from api.web.drain import DRAIN_BYTES, Drain
from api.web.encodings import ContentDecoding
from api.web.middleware import Envelope, HeadAsGet
from api.web.parameters import KnownParameters, refuse_all
from api.web.proxies import Forwarded
from retrieval.bundle import catalogue_url

ROUTES = (
    search,
    compare,
    explore,
    items,
    item_changes,
    item_deletions,
    bulk,
    item_paths,
    bin_entries,
    clusters,
    history,
    feedback,
    jobs,
    wrong_labels,
    duplicates,
    bundles,
    health,
)
STREAMED = {("POST", item_changes.BATCH_PATH)}

# What pages of other origins may send and read, where the settings let them.
CORS_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
CORS_REQUEST_HEADERS = (
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Range",
)
CORS_ANSWER_HEADERS = ("Content-Range", "ETag", "Location", "Retry-After", "Server-Timing", "X-Request-ID")


def create_app(settings: Settings) -> FastAPI:
    """The API as an ASGI application. Nothing is opened before its lifespan begins."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, AppState]]:
        """Load in the background, so that /livez and /readyz answer meanwhile; close everything at the end."""
        engine = Engine(settings)
        pool = Pool(workers=settings.workers, queue=settings.queue, wait_seconds=settings.queue_seconds)
        writers = Pool(
            workers=settings.write_workers,
            queue=settings.write_queue,
            wait_seconds=settings.write_seconds,
            observe=engine.writing.observe,
        )
        keys = Keys(
            settings.api_keys,
            needed=settings.keys_needed,
            rate_per_minute=settings.rate_per_minute,
            take=engine.replicas.take_token if engine.is_shared else None,
        )
        fetcher = Fetcher(
            enabled=settings.fetch_urls,
            seconds=settings.fetch_seconds,
            limit_bytes=settings.upload_limit_bytes,
            allowed=[read_endpoint(text) for text in settings.fetch_allowed],
            share=settings.fetch_share,
        )

        @contextmanager
        def hold() -> Iterator[Snapshot]:
            with engine.using() as served:
                yield served.live

        finder = Finder(
            settings.catalogue_url or catalogue_url(settings.artifacts),
            hold,
            settings.write_seconds,
            partial(engine.replicas.alone, "duplicates"),
        )
        loading = asyncio.create_task(engine.run())
        try:
            yield {
                "app": AppState(
                    engine=engine,
                    pool=pool,
                    writers=writers,
                    access=Access(
                        keys,
                        hosts=settings.host_names,
                        cors_origins=settings.cors_origins,
                        public_origin=settings.public_origin,
                    ),
                    metrics=Metrics(engine, pool, writers),
                    stats=Stats(),
                    fetcher=fetcher,
                    duplicates=finder,
                    upload_limit_bytes=settings.upload_limit_bytes,
                )
            }
        finally:
            engine.stop()
            await loading
            pool.close()
            writers.close()
            fetcher.close()
            finder.close()
            engine.close()

    # Its /docs brings Swagger UI along instead of fetching it from the internet.
    app = FastAPIOffline(
        title="Lookalike",
        summary="Image search that is tuned on your own pictures.",
        version="1",  # of this interface, not of the program
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        dependencies=[KnownParameters],
    )
    for route in ROUTES:
        app.include_router(route.router)
    refuse_all(app)
    errors.install(app)
    problems.install(app)
    app.add_middleware(ShortLinks, values=LongValues())
    app.add_middleware(UploadLimit, limit_bytes=settings.upload_limit_bytes, streamed=STREAMED)
    app.add_middleware(ContentDecoding)
    app.add_middleware(
        Admission,
        bounds=Bounds(settings.upload_limit_bytes, settings.uploads_limit_bytes, settings.body_seconds),
        pools=pools_of(route for routes in ROUTES for route in routes.router.routes),
        streamed=STREAMED,
    )
    app.add_middleware(Envelope)
    if settings.cors_origins:  # around everything, so that pages may read a 500, too
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=CORS_METHODS,
            allow_headers=CORS_REQUEST_HEADERS,
            expose_headers=CORS_ANSWER_HEADERS,
        )
    app.add_middleware(HeadAsGet)
    app.add_middleware(Forwarded, path=settings.public_path, trusted=settings.trusted_proxies)
    app.add_middleware(Drain, limit_bytes=max(DRAIN_BYTES, 2 * settings.upload_limit_bytes))
    # Uploads stay in memory, which UploadLimit bounds: in its container this process has no folder to write to.
    MultiPartParser.spool_max_size = 0
    return app
