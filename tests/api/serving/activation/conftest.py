"""Two bundles of one small shop, the first of them published, and what their tests do to them."""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.serving import engine as engines
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue, Item
from tests.api.conftest import OpenApi
from tests.support.bundles import Piece, picture, pieces, write_artifacts

SHOP = pieces(20)
NEWCOMER = Piece("newcomer", picture(700), "label-9", {})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOOK_SECONDS", 0.02)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    artifacts = tmp_path_factory.mktemp("models") / "artifacts"
    write_artifacts(artifacts, SHOP, bundle_id="old", seed=7)
    write_artifacts(artifacts, SHOP, bundle_id="new", seed=8, publish=False)
    return artifacts


@pytest.fixture
def artifacts(made: Path, tmp_path: Path) -> Path:
    """The bundle "old", published, and another one, "new"."""
    return shutil.copytree(made, tmp_path / "artifacts")


@pytest.fixture
def client(artifacts: Path, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=artifacts)


def search(client: TestClient, data: bytes, **fields: str) -> dict[str, Any]:
    answer = client.post("/search", files={"file": data}, data={"k": "5"} | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(artifacts: Path, *added: Item) -> None:
    """Add items to the catalogue or replace them, as another process would."""
    with closing(Catalogue(bundles.catalogue_url(artifacts))) as catalogue:
        catalogue.replace_source([*catalogue.items(), *added])


def until(client: TestClient, expected: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while not expected(answer := client.get("/readyz").json()):
        time.sleep(0.01)
    return answer
