"""What routes depend on: the live snapshot, the thread pool, the id of an item."""

from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path as FolderPath
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Path, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from starlette.routing import BaseRoute

from api.fetch.client import ClientFetcher
from api.limits import Pool
from api.security.keys import client_of
from api.serving.engine import Engine
from api.serving.snapshot import Served, Snapshot
from api.state import AppState
from retrieval.text import nfc

# These are coroutines, although they wait for nothing, because FastAPI runs plain functions in threads of its own.


async def get_state(request: Request) -> AppState:
    """The parts of the running application."""
    state: AppState = request.state.app
    return state


StateDep = Annotated[AppState, Depends(get_state)]


async def get_engine(state: StateDep) -> Engine:
    return state.engine


async def get_pool(state: StateDep) -> Pool:
    """The readers' pool. Raises Refusal (overloaded) when it is full."""
    state.pool.refuse_if_full()
    return state.pool


async def get_writers(state: StateDep) -> Pool:
    """The writers' pool. Raises Refusal (overloaded) when it is full."""
    state.writers.refuse_if_full()
    return state.writers


def pools_of(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], tuple[APIRoute, str]]:
    """By method and path, the routes that run in a pool, and its name in AppState.

    Paths with parts that vary are left out: what they depend on sees for itself.
    """
    names = {get_pool: "pool", get_writers: "writers"}
    return {
        (method, route.path): (route, names[call])
        for route in routes
        if isinstance(route, APIRoute) and "{" not in route.path
        for call in names.keys() & set(_calls(route.dependant))
        for method in route.methods or ()
    }


def _calls(dependant: Dependant) -> Iterator[object]:
    for needed in dependant.dependencies:
        yield needed.call
        yield from _calls(needed)


async def get_fetcher(request: Request, state: StateDep) -> ClientFetcher:
    """For the client of this request: the key that it came with, or the address that it came from."""
    return ClientFetcher(state.fetcher, client_of(request))


EngineDep = Annotated[Engine, Depends(get_engine)]
PoolDep = Annotated[Pool, Depends(get_pool)]
WritersDep = Annotated[Pool, Depends(get_writers)]
FetcherDep = Annotated[ClientFetcher, Depends(get_fetcher)]


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
    Query(alias="id", min_length=1, max_length=1000, description="The item's id.", examples=["amphora 3.jpg"]),
    AfterValidator(nfc),
]
PathItemId = Annotated[
    str,
    Path(alias="id", description="The item's id, with everything escaped, slashes too.", examples=["amphora 3.jpg"]),
    AfterValidator(unquote),  # the path reaches the routes undecoded: see web/middleware.py
    AfterValidator(nfc),
]
