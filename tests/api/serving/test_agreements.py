"""A start compares nothing where it is noted that vectors and items agree; whatever else happened, it compares all."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.serving import agreements
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.agreement import agreed_without
from retrieval.catalogue import Catalogue
from retrieval.vectors.stores import EmbeddedStores
from tests.api.conftest import OpenApi, Shop, until_ready
from tests.api.items.writes.test_add import FRESH, add, best_hit
from tests.api.serving.test_cleanup import leave_vectors
from tests.support.bundles import picture


@pytest.fixture
def own_shop(own_shop: Shop) -> Shop:
    """A shop of which nothing is noted yet, whatever API has served it before."""
    with closing(sqlite3.connect(own_shop.artifacts / "vectors" / "tiny.sqlite")) as file, file:
        file.execute("DELETE FROM meta WHERE name = 'note'")
    return own_shop


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The bundles whose vectors were compared with all items, one after the other."""
    seen: list[str] = []
    original = vars(agreements)["backfill_vectors"]

    def backfill_vectors(snapshot, *arguments):  # type: ignore[no-untyped-def]
        seen.append(snapshot.id)
        return original(snapshot, *arguments)

    monkeypatch.setattr(agreements, "backfill_vectors", backfill_vectors)
    yield seen


def noted(artifacts: Path) -> list[str] | None:
    clusters = bundles.load(bundles.bundle_path(artifacts, "tiny")).clusters
    with (
        closing(Catalogue(bundles.catalogue_url(artifacts))) as catalogue,
        closing(EmbeddedStores(artifacts).open("tiny", clusters)) as store,
    ):
        return agreed_without(store, catalogue)


def test_the_second_start_compares_nothing(own_shop: Shop, open_api: OpenApi, compared: list[str]) -> None:
    open_api(artifacts=own_shop.artifacts)
    assert compared == ["tiny", "tiny"]
    assert noted(own_shop.artifacts) == []
    client = open_api(artifacts=own_shop.artifacts)
    assert len(compared) == 2
    assert client.get("/readyz").json()["items"] == 60
    assert client.get("/items").json()["total"] == 60


def test_what_the_server_itself_changes_is_noted_when_it_stops(own_shop: Shop, compared: list[str]) -> None:
    with TestClient(create_app(Settings(artifacts=own_shop.artifacts, workers=2))) as client:
        until_ready(client)
        add(client, FRESH, id="new")
        client.delete("/item", params={"id": next(iter(own_shop.pieces))})
        client.patch("/item", params={"id": "new"}, json={"label": "other"})
        client.put("/item", params={"id": "new"}, files={"file": picture(9000)})
    assert noted(own_shop.artifacts) == []
    with TestClient(create_app(Settings(artifacts=own_shop.artifacts, workers=2))) as client:
        until_ready(client)
        assert best_hit(client, picture(9000))["id"] == "new"
    assert len(compared) == 2


def change_catalogue(artifacts: Path) -> None:
    """Another picture under an id, as a trainer publishes it for another bundle."""
    with closing(Catalogue(bundles.catalogue_url(artifacts))) as catalogue:
        items = list(catalogue.items())
        catalogue.replace_source([replace(items[0], sha256="f" * 64), *items[1:]])


def change_behind(artifacts: Path) -> None:
    """What nobody should do to a catalogue: then its counts are made anew, and nothing is taken for granted."""
    with closing(sqlite3.connect(artifacts / "catalogue.sqlite")) as database, database:
        database.execute("DELETE FROM items WHERE id = (SELECT min(id) FROM items)")
        database.execute("UPDATE state SET stale = 1")


@pytest.mark.parametrize(
    "change", [lambda artifacts: leave_vectors(artifacts, "left over"), change_catalogue, change_behind]
)
def test_after_any_other_change_all_is_compared(
    change: Callable[[Path], None], own_shop: Shop, open_api: OpenApi, compared: list[str]
) -> None:
    open_api(artifacts=own_shop.artifacts)
    change(own_shop.artifacts)
    assert noted(own_shop.artifacts) is None
    client = open_api(artifacts=own_shop.artifacts)
    assert compared == ["tiny"] * 4
    assert client.get("/readyz").json()["items"] == client.get("/items").json()["total"]


def test_what_others_write_meanwhile_is_not_noted(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    change_catalogue(own_shop.artifacts)
    add(client, FRESH, id="new")
    engine = client.app_state["app"].engine
    engine._agreements.note(engine.loaded)
    assert noted(own_shop.artifacts) is None
