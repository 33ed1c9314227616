"""A small shop behind the real application: artifacts are written once, applications are opened as tests ask."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi.testclient import TestClient

from api.main import create_app
from api.server import options
from api.settings import Settings
from retrieval.clusters import Vectors
from tests.support.bundles import Piece, pieces, write_artifacts

OpenApi = Callable[..., TestClient]
Serve = Callable[..., int]


@dataclass(frozen=True)
class Shop:
    """Published artifacts, and what they were made of."""

    artifacts: Path
    pieces: dict[str, Piece]
    vectors: dict[str, Vectors]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Sixty pieces; not to be changed."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    made = pieces(60)
    return Shop(artifacts, {piece.id: piece for piece in made}, write_artifacts(artifacts, made))


@pytest.fixture
def own_shop(shop: Shop, tmp_path: Path) -> Shop:
    """A copy of the shop that a test may change."""
    return Shop(shutil.copytree(shop.artifacts, tmp_path / "artifacts"), shop.pieces, shop.vectors)


@pytest.fixture(scope="session")
def client(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The API over the shop, ready; over a copy, as it notes there what it has compared."""
    artifacts = shutil.copytree(shop.artifacts, tmp_path_factory.mktemp("served") / "artifacts")
    with TestClient(create_app(Settings(artifacts=artifacts, workers=2))) as opened:
        yield until_ready(opened)


@pytest.fixture
def open_api() -> Iterator[OpenApi]:
    """Opens another API, by its settings; `wait=False` does not wait until it is ready."""
    with ExitStack() as stack:

        def opened(*, wait: bool = True, **settings: Any) -> TestClient:
            app = create_app(Settings(workers=2, **settings))
            another = stack.enter_context(TestClient(app, raise_server_exceptions=False))
            return until_ready(another) if wait else another

        yield opened


@pytest.fixture
def serve(shop: Shop) -> Iterator[Serve]:
    """Starts an API, over the shop unless other artifacts are named, on a loopback port and returns the port."""
    with ExitStack() as stack:

        def started(artifacts: Path = shop.artifacts, **settings: Any) -> int:
            all_settings = Settings(artifacts=artifacts, **settings)
            server = uvicorn.Server(uvicorn.Config(create_app(all_settings), **options(all_settings)))
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)
            port = int(listener.getsockname()[1])
            while httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code != 200:
                time.sleep(0.01)
            return port

        yield started


def until_ready(client: TestClient) -> TestClient:
    """Wait until searches are answered; a broken bundle fails the test."""
    while (answer := client.get("/readyz")).status_code != 200:
        assert answer.json()["status"] == "starting", answer.text
        time.sleep(0.01)
    return client
