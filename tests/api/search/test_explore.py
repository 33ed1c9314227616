"""Many searches at once, explanations, faces, and what there is to filter by."""

import base64
import json
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.api.conftest import OpenApi, Shop
from tests.api.search.test_query import ITEM, untimed
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, face_stage, picture, portrait, write_artifacts


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_batch_answers_each_query_as_if_it_came_alone(client: TestClient) -> None:
    queries = [{"image_base64": to_base64(picture(n)), "k": 3, "metric": "euclidean"} for n in range(200, 220)]
    queries += [{"id": ITEM, "group_by": "label"}, {"items": [{"image_base64": to_base64(picture(1))}, {"id": ITEM}]}]
    answers = client.post("/search/batch", json={"queries": queries}).json()["answers"]
    assert len(answers) == len(queries)
    for query, answer in zip(queries, answers, strict=True):
        alone = client.post("/search", json=query).json()
        assert [hit["id"] for hit in answer["hits"]] == [hit["id"] for hit in alone["hits"]]
        values, expected = ([hit["cosine"] for hit in each["hits"]] for each in (answer, alone))
        assert values == pytest.approx(expected, abs=1e-5)
        assert set(answer) == set(alone)


def test_a_query_that_cannot_be_answered_stops_no_other(client: TestClient) -> None:
    broken = to_base64(picture(1)[:300])
    queries = [{"id": "absent"}, {"id": ITEM}, {"image_base64": broken}, {}, {"id": ITEM, "min_precision": 0.5}]
    answers = client.post("/search/batch", json={"queries": queries}).json()["answers"]
    codes = [answer.get("code") for answer in answers]
    assert codes == ["item_missing", None, "broken_image", "invalid_parameter", "invalid_parameter"]
    assert untimed(answers[1]) == untimed(client.post("/search", json={"id": ITEM}).json())


@pytest.mark.parametrize("queries", [[], [{"id": ITEM}] * 65, {"id": ITEM}])
def test_a_batch_of_another_shape_is_refused_as_a_whole(client: TestClient, queries: object) -> None:
    check_problem(client.post("/search/batch", json={"queries": queries}), 422, "invalid_parameter")
    check_problem(client.post("/search/batch", files={"queries": b"x"}), 415, "unsupported_body")


def test_an_explanation_sums_to_the_cosine_of_the_search(client: TestClient) -> None:
    data = picture(300, width=90, height=40)
    hits = client.post("/search", files={"file": data}, data={"k": "60"}).json()["hits"]
    for hit in (hits[0], hits[-1]):
        answer = client.post("/explain", files={"file": data}, data={"item": hit["id"]}).json()
        assert answer == client.post("/explain", json={"image_base64": to_base64(data), "item": hit["id"]}).json()
        assert answer["cosine"] == pytest.approx(hit["cosine"], abs=1e-5)
        for side, shape in (("query", (384, 171)), ("item", (384, 282))):
            grid = np.array(answer[side]["grid"])
            assert grid.shape == (4, 4)
            assert grid.sum() == pytest.approx(hit["cosine"], abs=1e-4)
            assert grid.std() > 0
            with Image.open(BytesIO(base64.b64decode(answer[side]["overlay_png_base64"]))) as overlay:
                assert (overlay.format, overlay.size) == ("PNG", shape)


def test_the_one_of_several_pictures_that_is_wrong_is_named(client: TestClient) -> None:
    broken, text = (base64.b64encode(data).decode() for data in (picture(1)[:300], b"path,label"))
    for part, start in (
        ({"image_base64": broken}, "items[1].image_base64: the picture is damaged"),
        ({"image_base64": text}, "items[1].image_base64: this is a text"),
        ({"id": "absent"}, "items[1].id: there is no item"),
        ({"url": "http://127.0.0.1/a.jpg"}, "items[1].url: "),
    ):
        answer = client.post("/search", json={"items": [{"id": ITEM}, part]})
        assert answer.status_code in (404, 415, 422)
        assert answer.json()["detail"].startswith(start)
    answer = client.post("/explain", json={"id": ITEM, "item": "absent"})
    assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (404, "item")


def test_an_explanation_of_a_part_is_of_that_part(client: TestClient) -> None:
    crop = {"x": 0, "y": 0, "width": 0.5, "height": 1}
    answer = client.post("/explain", json={"id": ITEM, "item": ITEM, "crop": crop}).json()
    assert answer["cosine"] < 0.9999
    assert np.sum(answer["query"]["grid"]) == pytest.approx(answer["cosine"], abs=1e-4)
    check_problem(client.post("/explain", json={"item": ITEM}), 422, "invalid_parameter")
    check_problem(client.post("/explain", json={"id": ITEM}), 422, "invalid_parameter")
    check_problem(client.post("/explain", json={"id": ITEM, "item": "absent"}), 404, "item_missing")


@pytest.fixture
def people(tmp_path_factory: pytest.TempPathFactory, open_api: OpenApi) -> TestClient:
    artifacts = tmp_path_factory.mktemp("people")
    write_artifacts(artifacts, [Piece(f"person-{n}", portrait(n), None, {}) for n in range(12)], faces=face_stage())
    return open_api(artifacts=artifacts)


def side_by_side(*files: bytes) -> bytes:
    """Pictures in one, the first one larger."""
    rgbs = [Image.open(BytesIO(data)) for data in files]
    canvas = Image.new("RGB", (135 + 90 * (len(files) - 1), 135), "white")
    for n, rgb in enumerate(rgbs):
        canvas.paste(
            rgb.resize((135, 135), Image.Resampling.NEAREST) if n == 0 else rgb, (135 * bool(n) + 90 * max(0, n - 1), 0)
        )
    buffer = BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()


def test_faces_are_listed_and_each_can_be_searched_with(people: TestClient) -> None:
    data = side_by_side(portrait(3), portrait(7))
    answer = people.post("/faces", files={"file": data}).json()
    assert (answer["width"], answer["height"]) == (225, 135)
    faces = answer["faces"]
    assert [face["face"] for face in faces] == list(range(1, len(faces) + 1))
    assert [face["width"] for face in faces] == sorted((face["width"] for face in faces), reverse=True)
    assert len(faces) > 1
    searched = [
        people.post("/search", files={"file": data}, data=fields).json()["hits"][0]
        for fields in ({}, {"face": 1}, {"face": len(faces)})
    ]
    assert searched[0] == searched[1]
    assert searched[1]["cosine"] != searched[2]["cosine"]
    missing = people.post("/search", files={"file": data}, data={"face": len(faces) + 1})
    check_problem(missing, 422, "face_missing")
    assert people.post("/faces", files={"file": portrait(1, face=False)}).json()["faces"] == []
    assert people.post("/faces", json={"id": "person-5"}).json()["faces"]


def test_a_part_of_a_picture_is_looked_at_for_faces_alone(people: TestClient) -> None:
    """The part is exactly the portrait that was pasted there."""
    data = side_by_side(portrait(3), portrait(7))
    crop = json.dumps({"x": 0.6, "y": 0, "width": 0.4, "height": 2 / 3})
    best = people.post("/search", files={"file": data}, data={"crop": crop}).json()["hits"][0]
    assert (best["id"], best["euclidean"]) == ("person-7", pytest.approx(0, abs=1e-4))


def test_where_every_face_is_an_item_an_explanation_is_of_the_faces_that_are_named(
    tmp_path: Path, open_api: OpenApi
) -> None:
    write_artifacts(
        tmp_path, [Piece(f"person-{n}", portrait(n), None, {}) for n in range(12)], faces=face_stage(which="all")
    )
    client = open_api(artifacts=tmp_path)
    client.post("/items", files={"file": side_by_side(portrait(30), portrait(32))}, data={"id": "pair"})
    for query, item in (("pair#2", "person-3"), ("person-3", "pair#2"), ("pair", "pair#2"), ("pair#2", "pair")):
        hits = client.post("/search", json={"id": query, "k": 100}).json()["hits"]
        (cosine,) = [hit["cosine"] for hit in hits if hit["id"] == item]
        answer = client.post("/explain", json={"id": query, "item": item}).json()
        assert answer["cosine"] == pytest.approx(cosine, abs=1e-5)
        assert [np.sum(answer[side]["grid"]) for side in ("query", "item")] == pytest.approx([cosine] * 2, abs=1e-4)


def test_a_bundle_without_faces_says_so(client: TestClient) -> None:
    check_problem(client.post("/faces", files={"file": picture(1)}), 422, "unsupported_by_model")


def test_labels_and_facets_count_what_a_filter_lets_through(client: TestClient, shop: Shop) -> None:
    filter_ = {"attributes": {"stock": {"gte": 20}}}
    pieces = [piece for piece in shop.pieces.values() if float(piece.attributes["stock"]) >= 20]
    labels = client.get("/labels", params={"filter": json.dumps(filter_)}).json()
    counted = Counter(piece.label for piece in pieces if piece.label is not None)
    assert {label["value"]: label["count"] for label in labels["labels"]} == counted
    assert labels["distinct"] == len(counted)
    assert len(client.get("/labels", params={"limit": 2}).json()["labels"]) == 2
    facets = client.get("/facets", params={"filter": json.dumps(filter_), "limit": 3}).json()["facets"]
    assert [facet["attribute"] for facet in facets] == ["glazed", "price", "shape", "stock"]
    by_name = {facet["attribute"]: facet for facet in facets}
    glazed = [(value["value"], value["count"]) for value in by_name["glazed"]["values"]]
    assert (
        glazed
        == [(False, 27), (True, 13)]
        == [(value, sum(p.attributes["glazed"] is value for p in pieces)) for value in (False, True)]
    )
    assert (len(by_name["stock"]["values"]), by_name["stock"]["distinct"]) == (3, 40)
    assert (by_name["price"]["least"], by_name["price"]["most"]) == (10, 29.5)
    assert by_name["shape"]["least"] is None
    for address in ("/labels", "/facets"):
        check_problem(client.get(address, params={"filter": "canary-4711"}), 422, "invalid_parameter")
        check_problem(client.get(address, params={"filter": '{"canary-4711": 1}'}), 422, "invalid_parameter")
        check_problem(client.get(address, params={"limit": "canary-4711"}), 422, "invalid_parameter")
