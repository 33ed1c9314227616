"""What routes ask for: the live snapshot, the thread pool, the id in a path."""

from collections.abc import AsyncIterator
from pathlib import Path as FolderPath
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Path, Request
from pydantic import AfterValidator

from api.duplicates.finder import Finder
from api.engine import Engine
from api.fetch import Fetcher
from api.limits import Pool
from api.metrics import Metrics
from api.snapshot import Served, Snapshot
from api.stats import Stats

# These are coroutines, although they wait for nothing, because FastAPI runs plain functions in threads of its own.


async def get_engine(request: Request) -> Engine:
    engine: Engine = request.state.engine
    return engine


async def get_pool(request: Request) -> Pool:
    pool: Pool = request.state.pool
    return pool


async def get_metrics(request: Request) -> Metrics:
    metrics: Metrics = request.state.metrics
    return metrics


async def get_stats(request: Request) -> Stats:
    stats: Stats = request.state.stats
    return stats


async def get_fetcher(request: Request) -> Fetcher:
    fetcher: Fetcher = request.state.fetcher
    return fetcher


async def get_finder(request: Request) -> Finder:
    finder: Finder = request.state.duplicates
    return finder


async def get_served(engine: Annotated[Engine, Depends(get_engine)]) -> AsyncIterator[Served]:
    """What is served now, open until the answer is sent. Raises Refusal (not_ready) while nothing is."""
    with engine.using() as served:
        yield served


async def get_snapshot(served: Annotated[Served, Depends(get_served)]) -> Snapshot:
    """What is live now, as by `get_served`."""
    return served.live


async def get_artifacts(engine: Annotated[Engine, Depends(get_engine)]) -> FolderPath:
    """The artifacts folder, whether or not anything in it can be served."""
    return engine.artifacts


async def get_upload_limit(request: Request) -> int:
    limit: int = request.state.upload_limit_bytes
    return limit


ArtifactsDep = Annotated[FolderPath, Depends(get_artifacts)]
DuplicatesDep = Annotated[Finder, Depends(get_finder)]
EngineDep = Annotated[Engine, Depends(get_engine)]
FetcherDep = Annotated[Fetcher, Depends(get_fetcher)]
MetricsDep = Annotated[Metrics, Depends(get_metrics)]
PoolDep = Annotated[Pool, Depends(get_pool)]
ServedDep = Annotated[Served, Depends(get_served)]
UploadLimitDep = Annotated[int, Depends(get_upload_limit)]
SnapshotDep = Annotated[Snapshot, Depends(get_snapshot)]
StatsDep = Annotated[Stats, Depends(get_stats)]
ItemId = Annotated[
    str,
    Path(alias="id", description="The item's id, with everything escaped, slashes too.", examples=["amphora 3.jpg"]),
    AfterValidator(unquote),  # the path reaches the routes undecoded: see envelope.py
]
