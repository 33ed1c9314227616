"""What routes ask for: the live snapshot, the thread pool, the id in a path."""

from collections.abc import AsyncIterator
from pathlib import Path as FolderPath
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Path, Request
from pydantic import AfterValidator

from api.duplicates.job import Finder
from api.fetch.client import Fetcher
from api.limits import Pool
from api.monitoring.metrics import Metrics
from api.monitoring.stats import Stats
from api.serving.engine import Engine
from api.serving.snapshot import Served, Snapshot

# These are coroutines, although they wait for nothing, because FastAPI runs plain functions in threads of its own.


def _of_state(name: str) -> Any:
    """What the lifespan has put into the state of every request under this name."""

    async def get(request: Request) -> Any:
        return getattr(request.state, name)

    return Depends(get)


DuplicatesDep = Annotated[Finder, _of_state("duplicates")]
EngineDep = Annotated[Engine, _of_state("engine")]
FetcherDep = Annotated[Fetcher, _of_state("fetcher")]
MetricsDep = Annotated[Metrics, _of_state("metrics")]
PoolDep = Annotated[Pool, _of_state("pool")]
StatsDep = Annotated[Stats, _of_state("stats")]
UploadLimitDep = Annotated[int, _of_state("upload_limit_bytes")]


async def get_served(engine: EngineDep) -> AsyncIterator[Served]:
    """What is served now, open until the answer is sent. Raises Refusal (not_ready) while nothing is."""
    with engine.using() as served:
        yield served


async def get_snapshot(served: Annotated[Served, Depends(get_served)]) -> Snapshot:
    """What is live now, as by `get_served`."""
    return served.live


async def get_artifacts(engine: EngineDep) -> FolderPath:
    """The artifacts folder, whether or not anything in it can be served."""
    return engine.artifacts


ArtifactsDep = Annotated[FolderPath, Depends(get_artifacts)]
ServedDep = Annotated[Served, Depends(get_served)]
SnapshotDep = Annotated[Snapshot, Depends(get_snapshot)]
ItemId = Annotated[
    str,
    Path(alias="id", description="The item's id, with everything escaped, slashes too.", examples=["amphora 3.jpg"]),
    AfterValidator(unquote),  # the path reaches the routes undecoded: see web/middleware.py
]
