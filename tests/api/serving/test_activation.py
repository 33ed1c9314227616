"""What goes live, when, and with which items; what a broken bundle does; and asking one of several that are loaded."""

import asyncio
import base64
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.serving import engine as engines
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue, Item
from retrieval.vectors.stores import VectorStores
from tests.api.conftest import OpenApi
from tests.api.test_errors import check_problem
from tests.bundles import Piece, picture, pieces, write_artifacts, write_picture

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
    looks = []

    def backfill_vectors(snapshot: Snapshot, *args: Any) -> list[str]:
        done = original(snapshot, *args)
        if not looks:
            change(artifacts, write_picture(artifacts, NEWCOMER))
        looks.append(snapshot.id)
        return done

    original = engines.backfill_vectors
    monkeypatch.setattr(engines, "backfill_vectors", backfill_vectors)
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
    with closing(VectorStores(artifacts).open("new", loaded.clusters)) as opened:
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


def name_in_current(artifacts: Path, bundle_id: str) -> None:
    """Publish without any check, as a careless hand may."""
    part = artifacts / "part"
    part.write_text(f"{bundle_id}\n")
    part.replace(artifacts / "CURRENT")


def damage(artifacts: Path, name: str) -> bytes:
    path = artifacts / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole


@pytest.mark.parametrize("name", ["bundles/new/encoder.onnx", "bundles/new/training/config.toml", "vectors/new.sqlite"])
def test_a_broken_bundle_leaves_the_old_one_serving_and_says_why(
    client: TestClient, artifacts: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    bundles.publish(artifacts, "old")
    whole = damage(artifacts, name)
    name_in_current(artifacts, "new")
    ready = until(client, lambda ready: ready["status"] != "ready")
    assert (ready["status"], ready["bundle"]) == ("degraded", "old")
    assert Path(name).name in ready["detail"]
    assert client.get("/readyz").status_code == 200
    assert search(client, SHOP[3].data)["bundle"] == "old"
    time.sleep(0.1)
    assert len([line for line in caplog.messages if "cannot serve" in line]) == 1, "not again at each look"
    (artifacts / name).write_bytes(whole)
    bundles.publish(artifacts, "new")
    assert until(client, lambda ready: ready["status"] == "ready")["bundle"] == "new"


def test_a_way_back_from_a_broken_bundle(client: TestClient, artifacts: Path) -> None:
    name_in_current(artifacts, "no such bundle")
    until(client, lambda ready: ready["status"] == "degraded")
    assert client.post("/bundles/old/activate").json()["live"]
    ready = client.get("/readyz").json()
    assert ready == {"status": "ready", "bundle": "old", "items": 20, "detail": None}


def test_what_cannot_be_served_is_not_activated(client: TestClient, artifacts: Path) -> None:
    for absent in ("third", "%2e%2e", "%2e%2e%2fbundles%2fnew", ".new.draft"):
        check_problem(client.post(f"/bundles/{absent}/activate"), 404, "bundle_missing")
    damage(artifacts, "bundles/new/encoder.onnx")
    check_problem(client.post("/bundles/new/activate"), 503, "bundle_damaged")
    assert client.get("/readyz").json()["status"] == "ready", "CURRENT was not touched"
    assert bundles.current(artifacts) == "old"


def test_a_bundle_that_fails_only_while_it_is_loaded_is_reported_and_not_left_published(
    client: TestClient, artifacts: Path
) -> None:
    """Else the next start would serve nothing."""
    damage(artifacts, "vectors/new.sqlite")
    answer = client.post("/bundles/new/activate")
    check_problem(answer, 503, "bundle_damaged")
    assert "vectors/new.sqlite" in answer.json()["detail"]
    assert bundles.current(artifacts) == "old"
    assert client.get("/readyz").json() == {"status": "ready", "bundle": "old", "items": 20, "detail": None}
    assert search(client, SHOP[3].data)["bundle"] == "old"


def test_where_nothing_is_live_a_bundle_that_cannot_be_loaded_says_so(artifacts: Path, open_api: OpenApi) -> None:
    damage(artifacts, "vectors/old.sqlite")
    damage(artifacts, "vectors/new.sqlite")
    client = open_api(artifacts=artifacts, wait=False)
    answer = client.post("/bundles/new/activate")
    check_problem(answer, 503, "bundle_damaged")
    assert "/readyz" in answer.json()["detail"]
    assert "vectors/new.sqlite" in client.get("/readyz").json()["detail"]


def test_vectors_that_another_process_writes_are_found(client: TestClient, artifacts: Path) -> None:
    loaded = bundles.load(bundles.bundle_path(artifacts, "old"))
    change(artifacts, write_picture(artifacts, NEWCOMER))
    (vector,) = loaded.embedder.embed([loaded.embedder.prepare(NEWCOMER.data)])
    with closing(VectorStores(artifacts).open("old", loaded.clusters)) as store:
        store.upsert(["newcomer"], vector[None])
    until(client, lambda ready: ready["items"] == 21)
    assert search(client, NEWCOMER.data)["hits"][0]["id"] == "newcomer"


@pytest.fixture(params=['["new"]', "all"])
def both(
    artifacts: Path, open_api: OpenApi, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """The API with both bundles loaded, as the environment may ask for it."""
    monkeypatch.setenv("LOOKALIKE_BUNDLES", request.param)
    opened = open_api(artifacts=artifacts)
    while not all(each["loaded"] for each in opened.get("/bundles").json()["bundles"]):
        time.sleep(0.01)
    yield opened


def test_every_way_of_asking_asks_the_bundle_that_it_names(both: TestClient) -> None:
    data, item = SHOP[3].data, SHOP[3].id
    assert search(both, data)["bundle"] == "old"
    new, old = search(both, data, bundle="new"), search(both, data, bundle="old")
    assert (new["bundle"], old["bundle"]) == ("new", "old")
    assert [hit["cosine"] for hit in new["hits"]] != [hit["cosine"] for hit in old["hits"]]
    assert both.post("/search", json={"id": item, "bundle": "new"}).json()["bundle"] == "new"
    assert both.get("/search", params={"id": item, "bundle": "new"}).json()["bundle"] == "new"
    queries = [{"id": item, "bundle": name} for name in ("new", "old", "third", "new")]
    pictured = [
        {"image_base64": base64.b64encode(data).decode(), "k": 5} | ({"bundle": name} if name else {})
        for name in ("new", "")
    ]
    answers = both.post("/search/batch", json={"queries": [*queries, *pictured]}).json()["answers"]
    assert [answer.get("bundle") for answer in answers] == ["new", "old", None, "new", "new", "old"]
    assert answers[2]["code"] == "bundle_missing"
    assert [answers[4]["hits"], answers[5]["hits"]] == [new["hits"], old["hits"]]
    assert both.post("/explain", json={"id": item, "item": item, "bundle": "new"}).json()["bundle"] == "new"
    for path, body in (("/search", {"id": item}), ("/explain", {"id": item, "item": item}), ("/faces", {"id": item})):
        check_problem(both.post(path, json=body | {"bundle": "third"}), 404, "bundle_missing")
    check_problem(both.get("/search", params={"id": item, "bundle": "third"}), 404, "bundle_missing")


def test_pages_stay_with_their_bundle_as_long_as_it_is_loaded(both: TestClient, artifacts: Path) -> None:
    whole = [hit["id"] for hit in search(both, SHOP[3].data, k="20")["hits"]]
    page = search(both, SHOP[3].data)
    assert both.post("/bundles/new/activate").json()["live"]
    if not both.get("/bundles").json()["bundles"][1]["loaded"]:
        check_problem(both.get(page["next"]), 410, "cursor_expired")
        return
    ids = [hit["id"] for hit in page["hits"]]
    while page["next"]:
        page = both.get(page["next"]).json()
        assert page["bundle"] == "old"
        ids += [hit["id"] for hit in page["hits"]]
    assert ids == whole


def test_a_bundle_beside_the_live_one_that_cannot_be_loaded_is_named(artifacts: Path, open_api: OpenApi) -> None:
    client = open_api(artifacts=artifacts, bundles=("absent", "new"))
    ready = until(client, lambda ready: ready["status"] == "degraded")
    assert "absent" in ready["detail"]
    while not client.get("/bundles").json()["bundles"][0]["loaded"]:
        time.sleep(0.01)
    assert search(client, SHOP[3].data, bundle="new")["bundle"] == "new"


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
