"""GET /duplicates: three tiers, found in the background; what is kept, what was dismissed, what has changed since."""

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from api.duplicates import job as finding
from api.duplicates.results import divided
from api.duplicates.search import Result
from retrieval.bundle import catalogue_url
from retrieval.catalogue import Catalogue
from tests.api.conftest import OpenApi, until_ready
from tests.support.bundles import Piece, some_calibration, write_artifacts, write_picture

LARGE = {"width": 240, "height": 180}


def shot(seed: int, *, quality: int = 92, half: bool = False, flip: bool = False) -> bytes:
    """A picture with structure in every part; or the same one smaller, flipped, or compressed more."""
    from tests.support.bundles import picture

    image: Image.Image = Image.open(io.BytesIO(picture(seed, **LARGE, format_="PNG")))
    image = image.resize((120, 90), Image.Resampling.BICUBIC) if half else image
    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


PIECES = [
    *(Piece(f"shelf/{n}", shot(n), "a", {}) for n in range(12)),
    Piece("copies/0", shot(0), "a", {}),
    Piece("copies/0-small", shot(0, half=True), "a", {}),
    Piece("copies/1-flipped", shot(1, flip=True, quality=60), "a", {}),
]


def write(artifacts: Path, **changes: Any) -> Path:
    write_artifacts(artifacts, PIECES, **changes)
    return artifacts


@pytest.fixture
def client(tmp_path: Path, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=write(tmp_path))


def done(client: TestClient, **params: Any) -> dict[str, Any]:
    """The answer, as soon as there is one."""
    while (answer := client.get("/duplicates", params=params)).status_code == 202:
        assert answer.json()["state"] == "running"
        assert int(answer.headers["retry-after"]) > 0
        time.sleep(0.02)
    assert answer.status_code == 200, answer.text
    return answer.json()


def members(answer: Mapping[str, Any]) -> list[list[str]]:
    return [[item["id"] for item in group["members"]] for group in answer["groups"]]


def test_each_tier_tells_what_is_there_more_than_once_and_what_to_keep(client: TestClient) -> None:
    assert client.get("/duplicates").status_code == 202
    identical = done(client, tier="identical")
    assert members(identical) == [["copies/0", "shelf/0"]]
    assert identical["groups"][0]["keep"] == "copies/0"
    assert "same file" in identical["groups"][0]["why"]
    pictures = done(client)
    assert members(pictures) == [["copies/0", "copies/0-small", "shelf/0"], ["copies/1-flipped", "shelf/1"]]
    assert "240 x 180" in pictures["groups"][0]["why"]
    assert pictures["groups"][0]["members"][2] == client.get("/item?id=shelf%2F0").json()
    assert (pictures["tier"], pictures["total_groups"], pictures["stale"]) == ("same_picture", 2, False)
    assert pictures["groups"][0]["probability"] is None


def test_the_same_thing_is_told_by_calibrated_probability_alone(
    client: TestClient, tmp_path: Path, open_api: OpenApi
) -> None:
    done(client)
    uncalibrated = client.get("/duplicates", params={"tier": "same_thing"})
    assert (uncalibrated.status_code, uncalibrated.json()["code"]) == (422, "unsupported_by_model")
    other = open_api(artifacts=write(tmp_path / "calibrated", calibration=some_calibration()))
    things = done(other, tier="same_thing")
    assert {"shelf/0", "copies/0-small"} <= set(members(things)[0])
    curve = some_calibration().cosine
    for group in things["groups"]:
        vectors = {id_: other.post("/search", json={"id": id_, "k": 100}).json() for id_ in [group["keep"]]}
        cosines = {hit["id"]: hit["cosine"] for hit in vectors[group["keep"]]["hits"]}
        expected = [curve.probability(1 - cosines[m["id"]]) for m in group["members"] if m["id"] != group["keep"]]
        assert group["probability"] == pytest.approx(min(expected), abs=1e-5)


def test_of_the_same_thing_only_those_of_several_labels_or_none(tmp_path: Path, open_api: OpenApi) -> None:
    client = open_api(artifacts=write(tmp_path, calibration=some_calibration()))
    everything = done(client, tier="same_thing")
    assert everything["total_groups"] == everything["totals"]["same_thing"] > 0
    assert done(client, tier="same_thing", labels="different")["groups"] == []
    client.patch("/item?id=shelf/0", json={"label": "b"})
    different = done(client, tier="same_thing", labels="different")
    assert [group for group in members(different) if "shelf/0" not in group] == []
    assert different["total_groups"] == different["totals"]["same_thing"] == 1
    assert done(client, labels="different")["totals"] == {"identical": 1, "same_picture": 2, "same_thing": 1}


def test_pages_hold_every_group_once(client: TestClient) -> None:
    whole = done(client)
    first = done(client, limit=1)
    assert first["total_groups"] == 2
    second = client.get(first["next"]).json()
    assert first["groups"] + second["groups"] == whole["groups"]
    assert second["next"] is None


def test_what_was_dismissed_is_not_reported_again_by_any_server(
    client: TestClient, tmp_path: Path, open_api: OpenApi
) -> None:
    done(client)
    assert client.post("/duplicates/dismissed", json={"ids": ["shelf/1", "copies/1-flipped"]}).status_code == 204
    assert members(done(client)) == [["copies/0", "copies/0-small", "shelf/0"]]
    assert client.post("/duplicates/dismissed", json={"ids": ["shelf/0", "copies/0-small"]}).status_code == 204
    assert members(done(client)) == [["copies/0", "copies/0-small"]]
    another = open_api(artifacts=tmp_path)
    assert members(done(another)) == [["copies/0", "copies/0-small"]]
    assert another.post("/duplicates/dismissed", json={"ids": ["copies/0", "copies/0-small"]}).status_code == 204
    assert members(done(client)) == [["copies/0", "shelf/0"]]  # which the other dismissal leaves together


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"ids": ["shelf/0", "nowhere"]}, 404, "item_missing"),
        ({"ids": ["shelf/0"]}, 422, "invalid_parameter"),
        ({"ids": ["shelf/0", "shelf/0"]}, 422, "invalid_parameter"),
        ({}, 422, "invalid_parameter"),
    ],
)
def test_a_dismissal_of_what_is_not_there_is_refused(
    client: TestClient, body: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/duplicates/dismissed", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_has_changed_since_is_said_and_found_when_asked_to_look_anew(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "LEAST_SECONDS", 0)
    monkeypatch.setattr(finding, "SHARE", 1e9)
    assert not done(client)["stale"]
    catalogue = Catalogue(catalogue_url(tmp_path))
    added = Piece("new/2", shot(2, half=True), "a", {})
    remaining = [piece for piece in PIECES if piece.id != "copies/1-flipped"]
    catalogue.replace_source([write_picture(tmp_path, piece) for piece in [*remaining, added]])
    catalogue.close()
    time.sleep(0.01)
    stale = done(client)
    assert stale["stale"]
    assert members(stale) == [["copies/0", "copies/0-small", "shelf/0"]]  # without what is gone
    started = client.post("/duplicates/refresh")
    assert (started.status_code, started.json()["state"]) == (202, "running")
    fresh = done(client)
    assert not fresh["stale"]
    assert members(fresh) == [["copies/0", "copies/0-small", "shelf/0"], ["new/2", "shelf/2"]]


def test_pictures_that_are_gone_or_broken_are_passed_over_and_counted(tmp_path: Path, open_api: OpenApi) -> None:
    client = open_api(artifacts=write(tmp_path))
    items = Catalogue(catalogue_url(tmp_path))
    (tmp_path / items.get("shelf/3").location).unlink()
    (tmp_path / items.get("shelf/4").location).write_bytes(b"no picture")
    items.close()
    answer = done(client)
    assert answer["unreadable"] == 2
    assert len(answer["groups"]) == 2


def test_further_faces_of_a_file_are_no_copies_of_it(tmp_path: Path, open_api: OpenApi) -> None:
    pieces = [Piece(id_, shot(1), None, {}) for id_ in ("group.jpg", "group.jpg#2", "group.jpg#3", "copy.jpg")]
    write_artifacts(tmp_path, [*pieces, *(Piece(f"{n}#2", shot(n), None, {}) for n in range(2, 12))])
    client = open_api(artifacts=tmp_path)
    assert members(done(client, tier="identical")) == [["copy.jpg", "group.jpg"]]


def test_one_search_runs_at_a_time_and_tells_how_far_it_is(
    tmp_path: Path, open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    go_on, looked, look = threading.Event(), [], vars(finding)["look"]

    def slow(*given: Any) -> Result:
        looked.append(given)
        given[2]("reading", 3, 15)
        go_on.wait()
        return look(*given)

    monkeypatch.setattr(finding, "look", slow)
    client = open_api(artifacts=write(tmp_path))
    client.get("/duplicates")
    while (answer := client.get("/duplicates").json())["done"] == 0:
        time.sleep(0.01)
    assert (answer["step"], answer["done"], answer["total"]) == ("reading", 3, 15)
    assert client.post("/duplicates/refresh").json()["done"] == 3
    go_on.set()
    done(client)
    assert len(looked) == 1


def test_a_search_that_fails_says_so_once_and_may_be_tried_again(
    tmp_path: Path, open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = vars(finding)["look"]

    def fails(*_: object) -> Result:
        monkeypatch.setattr(finding, "look", look)
        raise ZeroDivisionError

    monkeypatch.setattr(finding, "look", fails)
    client = open_api(artifacts=write(tmp_path))
    while (answer := client.get("/duplicates")).status_code == 202:
        time.sleep(0.01)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert len(done(client)["groups"]) == 2


def test_a_server_that_stops_does_not_finish_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.main import create_app
    from api.settings import Settings

    look, read = vars(finding)["look"], []

    def slow(snapshot: Any, state: str, report: Any) -> Result:
        def tell(*progress: Any) -> None:
            read.append(progress)
            time.sleep(0.2)
            report(*progress)

        return look(snapshot, state, tell)

    monkeypatch.setattr(finding, "look", slow)
    with TestClient(create_app(Settings(artifacts=write(tmp_path)))) as client:
        until_ready(client).get("/duplicates")
    assert len(read) < len(PIECES)


# --- what is dismissed


@given(
    st.integers(2, 7),
    st.lists(st.sets(st.integers(0, 6), min_size=2, max_size=4), max_size=5),
)
def test_no_pair_that_was_dismissed_is_together_and_nothing_is_twice(size: int, dismissed: list[set[int]]) -> None:
    ids = tuple(f"item {row}" for row in range(7))
    apart = {
        ids[row]: frozenset(str(number) for number, rows in enumerate(dismissed) if row in rows) for row in range(7)
    }
    result = Result("b", "s", None, 0, ids, (), {}, None, None)
    rows = tuple(range(size))
    parts = divided(result, rows, apart)
    shown = [row for part in parts for row in part]
    assert len(shown) == len(set(shown))
    assert all(len(part) > 1 for part in parts)
    assert not any(len(set(part) & together) > 1 for part in parts for together in dismissed)
    if not any(len(set(rows) & together) > 1 for together in dismissed):
        assert parts == [rows]
