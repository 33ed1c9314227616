"""What goes live, when, and with which items."""

import asyncio
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.serving import agreements
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.catalogue import Item
from retrieval.vectors.stores import EmbeddedStores
from tests.api.serving.activation.conftest import NEWCOMER, SHOP, change, search, until
from tests.support.bundles import Piece, picture, write_picture


def test_what_is_published_goes_live_by_itself(client: TestClient, artifacts: Path) -> None:
    assert search(client, SHOP[3].data)["bundle"] == "old"
    bundles.publish(artifacts, "new")
    assert until(client, lambda ready: ready["bundle"] == "new")["status"] == "ready"
    answer = search(client, SHOP[3].data)
    assert (answer["bundle"], answer["hits"][0]["id"]) == ("new", SHOP[3].id)


def test_activating_answers_once_the_bundle_is_live_and_published(client: TestClient, artifacts: Path) -> None:
    answer = client.post("/bundles/new/activate")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["live"], answer.json()["loaded"]) == ("new", True, True)
    assert bundles.current(artifacts) == "new"
    assert search(client, picture(1))["bundle"] == "new"
    assert client.post("/bundles/new/activate").json() == answer.json(), "once more changes nothing"
    assert [(each["id"], each["live"]) for each in client.get("/bundles").json()["bundles"]] == [
        ("new", True),
        ("old", False),
    ]


def test_items_that_came_after_a_bundle_was_made_are_in_its_first_answer(client: TestClient, artifacts: Path) -> None:
    change(artifacts, write_picture(artifacts, NEWCOMER))
    client.post("/bundles/new/activate")
    answer = search(client, NEWCOMER.data)
    assert (answer["bundle"], answer["hits"][0]["id"]) == ("new", "newcomer")
    assert answer["hits"][0]["cosine"] == pytest.approx(1)


def test_an_item_that_comes_at_the_last_moment_is_not_missed(
    client: TestClient, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def backfill_vectors(snapshot: Snapshot, *args: Any) -> list[str]:
        done = original(snapshot, *args)
        if not looks:
            change(artifacts, write_picture(artifacts, NEWCOMER))
        looks.append(snapshot.id)
        return done

    original = vars(agreements)["backfill_vectors"]
    monkeypatch.setattr(agreements, "backfill_vectors", backfill_vectors)
    client.post("/bundles/new/activate")
    assert looks == ["new", "new"]
    assert search(client, NEWCOMER.data)["hits"][0]["id"] == "newcomer"


def test_an_item_whose_picture_has_changed_is_embedded_again(client: TestClient, artifacts: Path) -> None:
    client.post("/bundles/new/activate")
    was = replace(write_picture(artifacts, NEWCOMER), id="changing")
    change(artifacts, was)
    client.post("/bundles/old/activate")
    client.post("/bundles/new/activate")
    assert search(client, NEWCOMER.data)["hits"][0]["id"] == "changing"
    client.post("/bundles/old/activate")
    other = Piece("changing", picture(701), None, {})
    change(artifacts, write_picture(artifacts, other))
    client.post("/bundles/new/activate")
    answer = search(client, other.data)
    assert (answer["bundle"], answer["hits"][0]["id"]) == ("new", "changing")
    assert answer["hits"][0]["cosine"] == pytest.approx(1)


def test_until_its_release_is_finished_a_bundle_knows_its_source_better_than_the_catalogue(
    client: TestClient, artifacts: Path
) -> None:
    """The trainer replaces the items last: until then they still say what the old bundle's pictures were."""
    loaded = bundles.load(bundles.bundle_path(artifacts, "new"))
    (vector,) = loaded.embedder.embed([loaded.embedder.prepare(NEWCOMER.data)])
    with closing(EmbeddedStores(artifacts).open("new", loaded.clusters)) as opened:
        opened.upsert([SHOP[0].id], vector[None], ["0" * 64])
    pending = bundles.pending_path(artifacts, "new")
    pending.parent.mkdir()
    pending.touch()
    client.post("/bundles/new/activate")
    assert search(client, NEWCOMER.data)["hits"][0]["id"] == SHOP[0].id
    pending.unlink()
    client.post("/bundles/old/activate")
    client.post("/bundles/new/activate")
    assert search(client, SHOP[0].data)["hits"][0]["id"] == SHOP[0].id


def test_a_broken_picture_is_passed_over_and_keeps_no_bundle_back(
    client: TestClient, artifacts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Piece("broken", picture(702), None, {})
    item = write_picture(artifacts, broken)
    (artifacts / item.location).write_bytes(broken.data[:300])
    missing = replace(item, id="gone", location="pictures/gone")
    change(artifacts, item, missing, write_picture(artifacts, NEWCOMER))
    assert client.post("/bundles/new/activate").status_code == 200
    assert search(client, NEWCOMER.data)["hits"][0]["id"] == "newcomer"
    for name in ("broken", "gone"):
        assert client.post("/search", json={"id": name}).json()["code"] == "item_missing"
        assert len([line for line in caplog.messages if f"item '{name}'" in line]) == 1, "looked at once, not twice"


def test_vectors_that_another_process_writes_are_found(client: TestClient, artifacts: Path) -> None:
    loaded = bundles.load(bundles.bundle_path(artifacts, "old"))
    change(artifacts, write_picture(artifacts, NEWCOMER))
    (vector,) = loaded.embedder.embed([loaded.embedder.prepare(NEWCOMER.data)])
    with closing(EmbeddedStores(artifacts).open("old", loaded.clusters)) as store:
        store.upsert(["newcomer"], vector[None])
    until(client, lambda ready: ready["items"] == 21)
    assert search(client, NEWCOMER.data)["hits"][0]["id"] == "newcomer"


def test_what_is_replaced_is_closed_after_its_last_request(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    close = Snapshot.close
    monkeypatch.setattr(Snapshot, "close", lambda snapshot: (closed.append(snapshot.id), close(snapshot)))

    async def play() -> None:
        engine = Engine(Settings(artifacts=artifacts))
        watching = asyncio.create_task(engine.run())
        await engine.follow()
        with engine.using() as first, engine.using():
            bundles.publish(artifacts, "new")
            await engine.follow()
            assert engine.snapshot is not None
            assert (engine.snapshot.id, first.live.id, closed) == ("new", "old", [])
            await engine.follow()
            first.live.store.upsert([NEWCOMER.id], first.live.store.get(SHOP[0].id)[None])
            assert closed == []
        await engine.follow()
        assert closed == ["old"]
        engine.stop()
        await watching
        engine.close()
        assert closed == ["old", "new"]

    asyncio.run(play())


def test_nothing_goes_live_while_an_item_is_written(artifacts: Path) -> None:
    async def play() -> None:
        engine = Engine(Settings(artifacts=artifacts))
        watching = asyncio.create_task(engine.run())
        await engine.follow()
        with engine.writing:
            bundles.publish(artifacts, "new")
            following = asyncio.create_task(engine.follow())
            await asyncio.sleep(0.5)
            assert [snapshot.id for snapshot in engine.loaded] == ["old"]
        await following
        assert [snapshot.id for snapshot in engine.loaded] == ["new"]
        engine.stop()
        await watching
        engine.close()

    asyncio.run(play())


def test_it_stops_at_once_while_it_embeds_what_is_missing(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    picture_of = Snapshot.picture

    def slow(snapshot: Snapshot, item: Item) -> bytes:
        begun.set()
        go_on.wait()
        return picture_of(snapshot, item)

    async def play() -> None:
        engine = Engine(Settings(artifacts=artifacts))
        watching = asyncio.create_task(engine.run())
        await engine.follow()
        monkeypatch.setattr(Snapshot, "picture", slow)
        many = [replace(write_picture(artifacts, NEWCOMER), id=f"newcomer {number}") for number in range(40)]
        change(artifacts, *many)
        bundles.publish(artifacts, "new")
        following = asyncio.create_task(engine.follow())
        await asyncio.to_thread(begun.wait)
        engine.stop()
        go_on.set()
        await watching
        await following
        assert [snapshot.id for snapshot in engine.loaded] == ["old"]
        assert len(engine.loaded[0].store) == 20
        engine.close()

    asyncio.run(play())
