"""Everything here is tested with the items in a file and in PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.settings import Settings
from retrieval import bundle as bundles
from tests.api.conftest import Shop, until_ready
from tests.support import postgres


@pytest.fixture(scope="session")
def postgres_client(shop: Shop, postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """As `client`, with the items in PostgreSQL."""
    artifacts = shutil.copytree(shop.artifacts, tmp_path_factory.mktemp("served") / "artifacts")
    url = postgres.copy_of(bundles.catalogue_url(artifacts), postgres_server)
    with TestClient(create_app(Settings(artifacts=artifacts, workers=2, catalogue_url=url))) as opened:
        yield until_ready(opened)


@pytest.fixture(scope="session")
def client(client: TestClient, database: str, request: pytest.FixtureRequest) -> TestClient:
    """The API over the shop, ready."""
    opened: TestClient = request.getfixturevalue("postgres_client") if database == "postgresql" else client
    return opened


@pytest.fixture(autouse=True)
def _use_database(database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no setting names a database, the items of a folder are in the one that is tested."""
    if database == "sqlite":
        return
    address: str = request.getfixturevalue("postgres_server")
    in_folder, urls = bundles.catalogue_url, dict[Path, str]()

    def catalogue_url(artifacts: Path) -> str:
        if artifacts not in urls:
            urls[artifacts] = postgres.copy_of(in_folder(artifacts), address)
        return urls[artifacts]

    monkeypatch.setattr("retrieval.bundle.catalogue_url", catalogue_url)
    monkeypatch.setattr("api.main.catalogue_url", catalogue_url)
