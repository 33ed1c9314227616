"""Clusters, drift and the map, against the same computed slowly from all vectors."""

from collections import Counter
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.clusters.map import principal_components
from api.clusters.overview import drift
from retrieval import bundle as bundles
from retrieval.clusters import Clusters
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import add
from tests.api.test_errors import check_problem
from tests.support.bundles import CLUSTERS, picture, png


def clusters_of(shop: Shop) -> Clusters:
    return bundles.load(bundles.bundle_path(shop.artifacts, "tiny")).clusters


def test_clusters_are_told_as_they_are(client: TestClient, shop: Shop) -> None:
    clusters, ids = clusters_of(shop), np.array(list(shop.vectors))
    vectors = np.stack(list(shop.vectors.values()))
    spans = np.linalg.norm(vectors[:, None].astype(float) - clusters.centroids, axis=2)
    nearest = spans.argmin(axis=1)
    answer = client.get("/clusters").json()
    assert [cluster["number"] for cluster in answer["clusters"]] == list(range(CLUSTERS))
    for number, cluster in enumerate(answer["clusters"]):
        members, far = ids[nearest == number], spans[nearest == number, number]
        assert cluster["size"] == len(members)
        assert cluster["radius"] == pytest.approx(far.max())
        assert cluster["medoid"]["id"] == members[far.argmin()]
        labels = Counter(shop.pieces[item].label for item in members if shop.pieces[item].label is not None)
        expected = sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
        assert [(each["label"], each["count"]) for each in cluster["labels"]] == expected
        detail = client.get(f"/clusters/{number}").json()
        assert [item["id"] for item in detail.pop("sample")] == members[far.argsort()][:50].tolist()
        assert detail == cluster


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [("6", 404, "cluster_missing"), ("-1", 422, "invalid_parameter"), ("x", 422, "invalid_parameter")],
)
def test_an_unknown_cluster_is_refused(client: TestClient, number: str, status: int, code: str) -> None:
    check_problem(client.get(f"/clusters/{number}"), status, code)


def test_what_was_trained_on_has_not_drifted(client: TestClient) -> None:
    drift = client.get("/clusters").json()["drift"]
    assert (drift["items"], drift["trained_items"], drift["outside_share"]) == (60, 60, 0)
    assert drift["imbalance"] >= 1
    assert drift["retrain"] is False


def test_more_of_the_same_is_no_drift_and_another_kind_is(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    for number in range(30):
        add(client, picture(7500 + number), id=f"same {number}")
    drift = client.get("/clusters").json()["drift"]
    assert drift["items"] == 90
    assert drift["retrain"] is False, drift
    for number in range(25):  # loud stripes in place of soft patches
        stripes = np.zeros((44, 60, 3), np.uint8)
        stripes[:, number % 5 :: 8, number % 3] = 255
        add(client, png(stripes), id=f"other {number}")
    drift = client.get("/clusters").json()["drift"]
    assert drift["outside_share"] > 0.15
    assert drift["retrain"] is True
    assert "unlike" in drift["reason"]


def test_a_catalogue_that_has_doubled_or_become_uneven_has_drifted(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts)
    engine = client.app_state["app"].engine
    with engine.using() as served:
        grown = drift(served.live, [20] * 6, 0)
        uneven = drift(served.live, [100, *[1] * 5], 0)
        empty = drift(served.live, [0] * 6, 0)
    assert (grown.retrain, "2.0 times as many" in grown.reason) == (True, True)
    assert (uneven.retrain, uneven.imbalance) == (True, pytest.approx(6 * (100**2 + 5) / 105**2))
    assert (empty.retrain, empty.imbalance, empty.outside_share) == (False, 1, 0)


def test_the_map_shows_the_two_directions_of_most_variance(client: TestClient, shop: Shop) -> None:
    answer = client.get("/map").json()
    assert answer["total"] == len(answer["points"]) == 60
    ids = [point["id"] for point in answer["points"]]
    assert ids == sorted(shop.pieces)
    points = np.array([[point["x"], point["y"]] for point in answer["points"]])
    vectors = np.stack([shop.vectors[item] for item in ids]).astype(float)
    centred = vectors - vectors.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(points), np.abs(centred @ axes[:2].T), atol=1e-4)
    np.testing.assert_allclose((points**2).sum(axis=0), sizes[:2] ** 2, rtol=1e-4)
    assigned = clusters_of(shop).assign(vectors.astype(np.float32)).tolist()
    for point, cluster in zip(answer["points"], assigned, strict=True):
        assert (point["label"], point["cluster"]) == (shop.pieces[point["id"]].label, cluster)
        assert point["thumbnail_url"] == f"/item/thumbnail?id={quote(point['id'], safe='')}"


def test_a_sample_of_the_map_is_always_the_same(client: TestClient) -> None:
    first, again = (client.get("/map?limit=20").json() for _ in range(2))
    assert first == again
    assert (len(first["points"]), first["total"]) == (20, 60)
    fewer = {point["id"] for point in client.get("/map?limit=10").json()["points"]}
    assert fewer < {point["id"] for point in first["points"]}


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (5, 1), (3, 2)])
def test_few_vectors_have_a_map_too(shape: tuple[int, int]) -> None:
    assert principal_components(np.ones(shape, np.float32)).shape == (shape[0], 2)


def test_clusters_and_map_follow_what_changes(own_shop: Shop, open_api: OpenApi) -> None:
    """Only what has changed is read again; so it must be what another server reads anew."""
    client = open_api(artifacts=own_shop.artifacts)

    def check() -> dict[int, dict[str, object]]:
        another = open_api(artifacts=own_shop.artifacts)
        for path in ("/map", "/map?limit=7"):
            points, anew = client.get(path).json()["points"], another.get(path).json()["points"]
            places = [[(point.pop("x"), point.pop("y")) for point in each] for each in (points, anew)]
            assert points == anew
            np.testing.assert_allclose(places[0], places[1], atol=1e-6)  # sums of floats, added in another order
        answer = client.get("/clusters").json()
        assert answer == another.get("/clusters").json()
        return {cluster["number"]: cluster for cluster in answer["clusters"]}

    before = check()
    assert add(client, picture(7700), id="new").status_code == 201
    grown = check()
    assert sum(cluster != before[number] for number, cluster in grown.items()) == 1
    medoid = str(before[2]["medoid"]["id"])  # type: ignore[index]
    client.patch("/item", params={"id": medoid}, json={"label": "other", "attributes": {"stock": 1234}})
    described = check()
    assert described[2]["medoid"]["attributes"]["stock"] == 1234  # type: ignore[index]
    assert {"label": "other", "count": 1} in described[2]["labels"]  # type: ignore[operator]
    client.delete("/item", params={"id": medoid})
    assert check()[2]["size"] == int(str(described[2]["size"])) - 1
    client.delete("/item", params={"id": "new"})
    client.delete("/items", params={"filter": '{"label": "label-1"}'})
    check()
