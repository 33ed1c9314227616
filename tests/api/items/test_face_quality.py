"""Items of a bundle that compares faces tell how good their face is, so that poor ones can be filtered."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from retrieval.images import decode, resize
from tests.api.conftest import OpenApi
from tests.retrieval.faces.test_yunet import spots
from tests.support.bundles import Piece, face_stage, png, portrait, write_artifacts
from tests.support.face_networks import FACE, yunet_stage

NAMES = {"face_size", "face_blur"}


@pytest.fixture
def client(tmp_path: Path, open_api: OpenApi) -> TestClient:
    write_artifacts(tmp_path, [Piece(f"person-{n}", portrait(n), None, {}) for n in range(12)], faces=face_stage())
    return open_api(artifacts=tmp_path)


def blurred(seed: int) -> bytes:
    """The same face, but less of it to see."""
    rgb = decode(portrait(seed))
    return png(resize(resize(rgb, 30, 30), *rgb.shape[:2]))


def add(client: TestClient, item_id: str, data: bytes, **form: str) -> dict[str, float]:
    answer = client.post("/items", files={"file": data}, data={"id": item_id, **form})
    assert answer.status_code == 201, answer.text
    attributes: dict[str, float] = answer.json()["attributes"]
    return attributes


def test_poor_faces_can_be_filtered(client: TestClient) -> None:
    sharp, poor = add(client, "sharp", portrait(20)), add(client, "poor", blurred(20))
    assert set(sharp) == NAMES
    assert sharp["face_blur"] < poor["face_blur"]
    middle = (sharp["face_blur"] + poor["face_blur"]) / 2
    wanted = {"filter": json.dumps({"attributes": {"face_blur": {"lte": middle}, "face_size": {"gte": 30}}})}
    hits = client.post("/search", files={"file": portrait(20)}, data=wanted).json()["hits"]
    assert [hit["id"] for hit in hits] == ["sharp"]


def test_what_is_said_counts_more_than_what_is_measured(client: TestClient) -> None:
    assert add(client, "said", portrait(21), attributes='{"face_blur": 0.5, "shop": "x"}')["face_blur"] == 0.5
    again = client.post("/items", files={"file": portrait(21)}, data={"id": "said"})
    assert again.status_code == 200


def test_another_picture_has_a_quality_of_its_own(client: TestClient) -> None:
    before = add(client, "person", portrait(22), attributes='{"shop": "x"}')
    after = client.put("/item", params={"id": "person"}, files={"file": blurred(22)}).json()["attributes"]
    assert after["shop"] == "x"
    assert after["face_blur"] > before["face_blur"]
    kept = client.put(
        "/item", params={"id": "person"}, files={"file": portrait(22)}, data={"attributes": '{"face_blur": 0.25}'}
    ).json()["attributes"]
    assert kept["face_blur"] == 0.25


def test_faces_of_a_picture_tell_their_quality(client: TestClient) -> None:
    (face,) = client.post("/faces", files={"file": portrait(3)}).json()["faces"]
    assert face["size"] == pytest.approx((face["width"] * face["height"]) ** 0.5)
    assert 0 <= face["blur"] <= 1
    assert face["pose"] is None  # a cascade finds no landmarks


def test_every_face_of_a_wide_picture_is_an_item_by_yunet(tmp_path: Path, open_api: OpenApi) -> None:
    """A group photograph: seven people in a row, found by a network of YuNet's format."""
    singles = [Piece(f"person-{n}", png(spots(96, 128, (64, 48), (8 * n, 0))), None, {}) for n in range(6)]
    write_artifacts(tmp_path, singles, faces=yunet_stage(which="all"))
    client = open_api(artifacts=tmp_path)
    group = png(spots(128, 160 * 7, *((80 + 160 * n, 64) for n in range(7))))
    add(client, "group", group)
    listed = client.post("/faces", files={"file": group}).json()["faces"]
    assert len(listed) == 7
    for number in range(1, 8):
        item = client.get("/item", params={"id": "group" if number == 1 else f"group#{number}"}).json()
        assert item["attributes"]["face_size"] == FACE
        assert item["attributes"]["face_pose"] == 0
