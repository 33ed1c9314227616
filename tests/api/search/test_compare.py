"""Two pictures compared: as a search compares them, in every way to send them, and by faces."""

import base64
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi
from tests.api.search.test_query import ITEM
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, face_stage, picture, pieces, portrait, some_calibration, write_artifacts


def compare(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/compare", json=body)
    assert answer.status_code == 200, answer.text
    comparison: dict[str, Any] = answer.json()
    return comparison


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


BROKEN = to_base64(picture(1)[:300])
TEXT = to_base64(b"path,label")


def test_it_says_what_a_search_says(open_api: OpenApi, tmp_path: Path) -> None:
    write_artifacts(tmp_path, pieces(30), calibration=some_calibration())
    client = open_api(artifacts=tmp_path)
    query = to_base64(picture(7))
    hits = client.post("/search", json={"image_base64": query, "k": 10}).json()["hits"]
    for hit in (hits[0], hits[4], hits[-1]):
        comparison = compare(client, image_base64=query, other_id=hit["id"])
        turned = compare(client, id=hit["id"], other_image_base64=query, min_precision=1)
        for each in (comparison, turned):
            values = [each[name] for name in ("cosine", "euclidean", "match_probability")]
            expected = [hit[name] for name in ("cosine", "euclidean", "match_probability")]
            assert values == pytest.approx(expected, abs=1e-4)
        assert comparison["same"] == (hit["match_probability"] >= 0.5)
        assert turned["same"] == (turned["match_probability"] >= 1)
        assert (comparison["other"], turned["query"]) == (None, None)
        assert comparison["query"] == turned["other"]
    assert comparison["calibration"]["pairs"] > 0


def test_files_texts_and_items_are_compared_alike(client: TestClient) -> None:
    a, b = picture(5), picture(6)
    expected = compare(client, image_base64=to_base64(a), other_image_base64=to_base64(b))
    for path in ("/compare", "/compare/file"):
        answers = [
            client.post(path, files={"file": ("a.png", a), "other_file": ("b.png", b)}),
            client.post(path, data={"image_base64": to_base64(a)}, files={"other_file": ("b.png", b)}),
        ]
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert answer.json()["cosine"] == pytest.approx(expected["cosine"], abs=1e-5)
    assert expected["same"] is None  # the shop is not calibrated
    assert expected["match_probability"] is None
    assert compare(client, id=ITEM, other_id=ITEM)["cosine"] == pytest.approx(1, abs=1e-6)


def test_a_part_of_each_picture(client: TestClient) -> None:
    crop = {"x": 0.1, "y": 0.1, "width": 0.5, "height": 0.5}
    whole = compare(client, id=ITEM, other_id=ITEM)
    parts = compare(client, id=ITEM, crop=crop, other_id=ITEM, other_crop=crop)
    mixed = compare(client, id=ITEM, other_id=ITEM, other_crop=crop)
    assert parts["cosine"] == pytest.approx(1, abs=1e-6)
    assert mixed["cosine"] < whole["cosine"] - 1e-4


@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        ({}, "invalid_parameter", "file, image_base64, url and id"),
        ({"id": ITEM}, "invalid_parameter", "other_file, other_image_base64, other_url and other_id"),
        ({"id": ITEM, "other_id": ITEM, "other_image_base64": ""}, "invalid_parameter", "other_"),
        ({"id": ITEM, "other_image_base64": "?"}, "invalid_parameter", "other_image_base64"),
        ({"id": ITEM, "other_id": ITEM, "other_face": 1}, "invalid_parameter", "face"),
        ({"id": ITEM, "other_id": ITEM, "metric": "cosine"}, "invalid_parameter", "not known"),
        ({"id": ITEM, "other_id": ITEM, "min_precision": 2}, "invalid_parameter", "min_precision"),
        ({"id": "absent", "other_id": ITEM}, "item_missing", "id: there is no item"),
        ({"id": ITEM, "other_id": "absent"}, "item_missing", "other_id: there is no item"),
        ({"id": ITEM, "other_image_base64": BROKEN}, "broken_image", "other_image_base64: the picture is damaged"),
        ({"image_base64": BROKEN, "other_id": ITEM}, "broken_image", "image_base64: the picture is damaged"),
        ({"id": ITEM, "other_image_base64": TEXT}, "unsupported_format", "other_image_base64: this is a text"),
        ({"url": "http://127.0.0.1/a.jpg", "other_id": ITEM}, "url_refused", "url: "),
        ({"id": ITEM, "other_url": "http://127.0.0.1/a.jpg"}, "url_refused", "other_url: "),
        ({"id": ITEM, "other_id": ITEM, "other_face": 1}, "invalid_parameter", "other_face: the model"),
    ],
)
def test_what_cannot_be_compared(client: TestClient, body: dict[str, Any], code: str, word: str) -> None:
    answer = client.post("/compare", json=body)
    assert answer.json()["code"] == code, answer.text
    detail = answer.json()["detail"]
    assert detail.startswith(word) if ":" in word else word in detail


def test_a_broken_file_is_told_by_its_field(client: TestClient) -> None:
    good, bad = ("a.png", picture(1)), ("b.png", picture(2)[:300])
    for files, name in (({"file": bad, "other_file": good}, "file"), ({"file": good, "other_file": bad}, "other_file")):
        answer = client.post("/compare", files=files)
        assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (422, name)


def test_only_its_two_files_may_be_files(client: TestClient) -> None:
    files = {"file": ("a.png", picture(1)), "id": ("b.png", picture(2))}
    check_problem(client.post("/compare", files=files), 422, "invalid_parameter")
    two = {"file": ("a.png", picture(1)), "other_file": ("b.png", picture(2))}
    assert client.post("/search", files=two).status_code in (400, 422)


def test_faces_are_compared_by_the_faces_of_both(open_api: OpenApi, tmp_path: Path) -> None:
    people = [Piece(f"people/{number}.png", portrait(number), "Ann", {}) for number in (20, 40)]
    write_artifacts(tmp_path / "artifacts", people, faces=face_stage())
    client = open_api(artifacts=tmp_path / "artifacts")
    comparison = compare(client, image_base64=to_base64(portrait(20)), other_id="people/20.png")
    assert comparison["cosine"] == pytest.approx(1, abs=1e-4)
    assert compare(client, id="people/20.png", face=1, other_id="people/20.png")["cosine"] > 0.99
    missing = client.post("/compare", json={"id": "people/20.png", "other_id": "people/40.png", "other_face": 9})
    check_problem(missing, 422, "face_missing")
