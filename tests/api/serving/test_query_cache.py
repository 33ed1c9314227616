"""Pictures that were searched with before: not decoded again, answered alike, and never taken for another."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.serving.query_cache import QueryVectorCache, name_of
from retrieval.encoding.embedder import Embedder
from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import face_stage, picture, pieces, portrait, write_artifacts

DATA = picture(901)
CROP = '{"x": 0, "y": 0, "width": 0.5, "height": 1}'


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each run of an encoder has had."""
    runs: list[int] = []
    embed = Embedder.embed

    def counted(embedder: Embedder, pictures: Any) -> Any:
        runs.append(len(pictures))
        return embed(embedder, pictures)

    monkeypatch.setattr(Embedder, "embed", counted)
    return runs


def hits(client: TestClient, data: bytes, **fields: str) -> Any:
    answer = client.post("/search", files={"file": data}, data=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["hits"]


def test_a_picture_that_comes_again_is_not_encoded_again(shop: Shop, open_api: OpenApi, embedded: list[int]) -> None:
    client = open_api(artifacts=shop.artifacts, batching="off")
    embedded.clear()
    first = hits(client, DATA)
    assert hits(client, DATA) == first
    assert hits(client, DATA, metric="euclidean", k="3")
    again = client.post("/search", files={"file": DATA}).json()
    assert (again["milliseconds"]["decode"], again["milliseconds"]["encode"]) == (0, 0)
    assert again["query"] == {"width": 60, "height": 44, "sha256": sha256(DATA).hexdigest()}
    assert embedded == [1]


def test_another_part_or_file_or_bundle_is_another_picture(
    shop: Shop, own_shop: Shop, open_api: OpenApi, embedded: list[int]
) -> None:
    write_artifacts(own_shop.artifacts, pieces(60), bundle_id="second", seed=8, publish=False)
    client = open_api(artifacts=own_shop.artifacts, bundles=("second",), batching="off")
    while not all(each["loaded"] for each in client.get("/bundles").json()["bundles"]):
        pass
    embedded.clear()
    whole, part = hits(client, DATA), hits(client, DATA, crop=CROP)
    other, second = hits(client, DATA + b"\0"), hits(client, DATA, bundle="second")
    assert len(embedded) == 4
    assert whole != part
    assert whole == other
    assert [hit["cosine"] for hit in second] != [hit["cosine"] for hit in whole]
    assert [hits(client, DATA), hits(client, DATA, crop=CROP), hits(client, DATA, bundle="second")] == [
        whole,
        part,
        second,
    ]
    assert len(embedded) == 4


def test_each_face_is_remembered_by_itself(tmp_path: Path, open_api: OpenApi) -> None:
    portraits = [replace(piece, data=portrait(number)) for number, piece in enumerate(pieces(12))]
    write_artifacts(tmp_path, portraits, faces=face_stage())
    client = open_api(artifacts=tmp_path)
    data = portrait(3)
    assert hits(client, data, face="1") == hits(client, data)
    assert client.post("/search", files={"file": data}, data={"face": "2"}).json()["code"] == "face_missing"


def test_a_broken_picture_is_refused_each_time(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts)
    for _time in range(2):
        assert client.post("/search", files={"file": DATA[:200]}).json()["code"] == "broken_image"


def test_nothing_is_remembered_where_the_settings_say_so(shop: Shop, open_api: OpenApi, embedded: list[int]) -> None:
    client = open_api(artifacts=shop.artifacts, query_cache_size=0, batching="off")
    embedded.clear()
    assert hits(client, DATA) == hits(client, DATA)
    assert embedded == [1, 1]


def test_what_was_asked_for_least_lately_is_forgotten_first() -> None:
    cache, rows = QueryVectorCache(2), np.eye(3, dtype=np.float32)
    names = [name_of(data, None) for data in (b"a", b"b", b"c")]
    cache.put(names[0], rows[0])
    cache.put(names[1], rows[1])
    assert cache.get(names[0]) is not None
    cache.put(names[2], rows[2])
    assert cache.get(names[1]) is None
    np.testing.assert_array_equal(cache.get(names[0]), rows[0])
    np.testing.assert_array_equal(cache.get(names[2]), rows[2])
    assert (cache.hits, cache.misses) == (3, 1)
