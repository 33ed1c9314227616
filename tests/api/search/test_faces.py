"""A bundle that compares faces: queries are cropped like the gallery, and one without a face is told so."""

from hashlib import sha256

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, face_stage, portrait, write_artifacts


@pytest.fixture
def people() -> list[Piece]:
    return [Piece(f"person-{n}", portrait(n), None, {}) for n in range(12)]


@pytest.fixture
def client(people: list[Piece], tmp_path_factory: pytest.TempPathFactory, open_api: OpenApi) -> TestClient:
    artifacts = tmp_path_factory.mktemp("people")
    write_artifacts(artifacts, people, faces=face_stage())
    return open_api(artifacts=artifacts)


def test_a_query_passes_through_the_same_crop(client: TestClient, people: list[Piece]) -> None:
    for piece in people:
        best = client.post("/search", files={"file": piece.data}).json()["hits"][0]
        assert best["id"] == piece.id
        assert best["euclidean"] == pytest.approx(0, abs=1e-4)


def test_the_query_is_told_in_the_size_that_was_sent(client: TestClient) -> None:
    query = client.post("/search", files={"file": portrait(3)}).json()["query"]
    assert query == {"width": 90, "height": 90, "sha256": sha256(portrait(3)).hexdigest()}


def test_a_query_without_a_face_is_refused_and_told_what_to_do(client: TestClient) -> None:
    answer = client.post("/search", files={"file": portrait(3, face=False)})
    check_problem(answer, 422, "face_missing")
    assert "at least 36 pixels" in answer.json()["detail"]
    assert "use a picture that shows one upright" in answer.json()["detail"]


def test_whole_pictures_stand_in_for_faces_where_the_bundle_says_so(
    people: list[Piece], tmp_path_factory: pytest.TempPathFactory, open_api: OpenApi
) -> None:
    artifacts = tmp_path_factory.mktemp("some people")
    shop = [*people, Piece("ground", portrait(99, face=False), None, {})]
    write_artifacts(artifacts, shop, faces=face_stage(missing="whole"))
    answer = open_api(artifacts=artifacts).post("/search", files={"file": shop[-1].data}).json()
    assert answer["hits"][0]["id"] == "ground"
    assert np.isclose(answer["hits"][0]["cosine"], 1)
