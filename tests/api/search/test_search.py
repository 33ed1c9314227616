"""POST /search against brute force over the vectors, and joined with the catalogue."""

from dataclasses import replace
from hashlib import sha256
from typing import Literal

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue
from retrieval.clusters import Vectors
from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import picture

Metric = Literal["cosine", "euclidean"]


def measured(query: Vectors, vector: Vectors, metric: Metric) -> float:
    """Cosine or Euclidean distance, in float64."""
    a, b = query.astype(float), vector.astype(float)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) if metric == "cosine" else float(np.linalg.norm(a - b))


def brute_force(query: Vectors, vectors: dict[str, Vectors], metric: Metric) -> list[float]:
    """The measure of every vector, best first."""
    return sorted((measured(query, vector, metric) for vector in vectors.values()), reverse=metric == "cosine")


def embed(shop: Shop, data: bytes) -> Vectors:
    embedder = bundles.load(bundles.bundle_path(shop.artifacts, "tiny")).embedder
    return embedder.embed([embedder.prepare(data)])[0]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(1000, 1100),
    k=st.integers(1, 100),
    metric=st.sampled_from(["cosine", "euclidean"]),
    probes=st.sampled_from(["auto", "all"]),
)
def test_hits_of_a_picture_are_those_of_brute_force(
    client: TestClient, shop: Shop, seed: int, k: int, metric: Metric, probes: str
) -> None:
    data = picture(seed)
    answer = client.post("/search", files={"file": data}, data={"k": k, "metric": metric, "probes": probes}).json()
    assert answer["exact"]
    assert answer["recall_estimate"] == 1
    query = embed(shop, data)
    values = [hit[metric] for hit in answer["hits"]]
    assert values == pytest.approx(brute_force(query, shop.vectors, metric)[:k], abs=1e-5)
    for hit in answer["hits"]:
        for other in ("cosine", "euclidean"):
            assert hit[other] == pytest.approx(measured(query, shop.vectors[hit["id"]], other), abs=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_an_item_searches_with_its_own_vector_and_is_left_out(client: TestClient, shop: Shop, metric: Metric) -> None:
    item_id = "shelf 1/piece-021"
    answer = client.post("/search", files={"id": (None, item_id)}, data={"k": "100", "metric": metric}).json()
    others = {other: vector for other, vector in shop.vectors.items() if other != item_id}
    assert {hit["id"] for hit in answer["hits"]} == set(others)
    values = [hit[metric] for hit in answer["hits"]]
    assert values == pytest.approx(brute_force(shop.vectors[item_id], others, metric), abs=1e-5)
    assert answer["query"] is None
    assert answer["milliseconds"]["decode"] == answer["milliseconds"]["encode"] == 0


def test_the_answer_says_what_was_found_and_how(client: TestClient, shop: Shop) -> None:
    data = picture(2000, width=40, height=90)
    answer = client.post("/search", files={"file": data}).json()
    assert (answer["bundle"], answer["report_url"]) == ("tiny", None)
    assert answer["metric"] == "cosine"
    assert answer["items"] == len(shop.pieces)
    assert 1 <= answer["clusters_opened"] <= answer["clusters_total"] == 6
    assert answer["query"] == {"width": 40, "height": 90, "sha256": sha256(data).hexdigest()}
    spent = answer["milliseconds"]
    assert 0 < spent["decode"] + spent["encode"] + spent["search"] <= spent["total"] + 0.03  # each is rounded
    assert [hit["rank"] for hit in answer["hits"]] == list(range(1, 21))
    for hit in answer["hits"]:
        piece = shop.pieces[hit["id"]]
        assert (hit["label"], hit["attributes"]) == (piece.label, piece.attributes)
        assert [type(value) for value in hit["attributes"].values()] == [str, float, int, bool]
        assert hit["image_url"] == f"/item/image?id={hit['id'].replace('/', '%2F').replace(' ', '%20')}"
        assert client.get(hit["image_url"]).content == piece.data
        assert client.get(hit["thumbnail_url"]).status_code == 200


def test_empty_fields_count_as_not_given(client: TestClient) -> None:
    """As /docs sends them."""
    empty = {"id": "", "k": "", "metric": "", "probes": "", "min_precision": ""}
    assert len(client.post("/search", files={"file": picture(1)}, data=empty).json()["hits"]) == 20
    fields = {"file": (None, ""), "id": (None, "shelf 0/piece-000")}
    assert len(client.post("/search", files=fields).json()["hits"]) == 20


def test_a_number_of_probes_is_an_upper_limit(client: TestClient) -> None:
    answer = client.post("/search", files={"file": picture(1)}, data={"k": "60", "probes": "1"}).json()
    assert answer["clusters_opened"] == 1
    assert not answer["exact"]
    assert 0 <= answer["recall_estimate"] < 1
    assert len({hit["cluster"] for hit in answer["hits"]}) == 1


def test_deleted_items_make_room_for_the_next(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    data = picture(3000)
    before = client.post("/search", files={"file": data}, data={"k": "60"}).json()["hits"]
    deleted = {hit["id"] for hit in before[:45]}  # all that the first look for k = 10 finds, and the second
    delete_items(own_shop, deleted)
    after = client.post("/search", files={"file": data}, data={"k": "10"}).json()["hits"]
    assert [hit["id"] for hit in after] == [hit["id"] for hit in before[45:55]]
    assert [hit["rank"] for hit in after] == list(range(1, 11))
    assert len(client.post("/search", files={"file": data}, data={"k": "60"}).json()["hits"]) == 15
    assert client.post("/search", files={"id": (None, min(deleted))}).json()["code"] == "item_missing"


def test_vectors_outlive_their_items_for_a_way_back(own_shop: Shop, open_api: OpenApi) -> None:
    """A catalogue of other pictures, mistyped or of a run that was stopped before it published, costs no vectors."""
    url = f"sqlite:///{own_shop.artifacts / 'mistyped.sqlite'}"
    mistaken = open_api(artifacts=own_shop.artifacts, catalogue_url=url)
    assert mistaken.post("/search", files={"file": picture(1)}).json()["hits"] == []
    right = open_api(artifacts=own_shop.artifacts)
    assert len(right.post("/search", files={"file": picture(1)}).json()["hits"]) == 20


def test_an_item_whose_picture_cannot_be_read_is_there_and_not_found(own_shop: Shop, open_api: OpenApi) -> None:
    catalogue = Catalogue(bundles.catalogue_url(own_shop.artifacts))
    items = list(catalogue.items())
    catalogue.replace_source([*items, replace(items[0], id="newer", location="pictures/gone")])
    catalogue.close()
    client = open_api(artifacts=own_shop.artifacts)
    assert client.get("/item?id=newer").status_code == 200
    answer = client.post("/search", files={"id": (None, "newer")})
    assert (answer.status_code, answer.json()["code"]) == (404, "item_missing")


def delete_items(shop: Shop, deleted: set[str]) -> None:
    catalogue = Catalogue(bundles.catalogue_url(shop.artifacts))
    catalogue.replace_source([item for item in catalogue.items() if item.id not in deleted])
    catalogue.close()
