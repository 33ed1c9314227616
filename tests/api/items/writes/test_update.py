"""PATCH and DELETE: what is said of an item is merged, and what is deleted is gone for every search at once."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue
from retrieval.pictures.folder import FolderPictures
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add, best_hit, files, url
from tests.api.test_errors import check_problem
from tests.support.bundles import picture

A_PIECE = "shelf 1/piece-021"


@pytest.fixture
def client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts)


def test_a_description_is_merged_with_what_is_there(client: TestClient, shop: Shop) -> None:
    before = shop.pieces[A_PIECE]
    body = {"attributes": {"price": "dear", "new": True, "stock": None, "never there": None}}
    item = client.patch(url(A_PIECE), json=body).json()
    expected = {**before.attributes, "price": "dear", "new": True}
    del expected["stock"]
    assert (item["label"], item["attributes"]) == (before.label, expected)
    assert client.patch(url(A_PIECE), json={}).json() == item
    assert client.patch(url(A_PIECE), json={"label": "another"}).json() == {**item, "label": "another"}
    assert client.patch(url(A_PIECE), json={"label": None}).json() == {**item, "label": None}
    assert client.get(url(A_PIECE)).json() == {**item, "label": None}


def test_filters_and_hits_know_a_new_description_at_once(client: TestClient) -> None:
    client.patch(url(A_PIECE), json={"label": "rare", "attributes": {"sale": True}})
    hits = client.post("/search", json={"id": "shelf 0/piece-000", "filter": {"label": "rare"}}).json()["hits"]
    assert [(hit["id"], hit["attributes"]["sale"]) for hit in hits] == [(A_PIECE, True)]


@pytest.mark.parametrize(
    "body",
    [
        {"label": 1},
        {"attributes": {"a": {}}},
        {"attributes": None},
        {"id": "b"},
        {"label": "\0"},
        [],
        {"label": "x" * 1001},
    ],
)
def test_a_description_of_another_shape_is_refused(client: TestClient, body: object) -> None:
    check_problem(client.patch(url(A_PIECE), json=body), 422, "invalid_parameter")


def test_an_item_has_a_hundred_attributes_at_most(client: TestClient) -> None:
    add(client, FRESH, id="a", attributes={str(n): n for n in range(99)})
    assert client.patch("/item?id=a", json={"attributes": {"99": 1}}).status_code == 200
    check_problem(client.patch("/item?id=a", json={"attributes": {"100": 1}}), 422, "invalid_parameter")
    assert client.patch("/item?id=a", json={"attributes": {"100": 1, "0": None}}).status_code == 200


def test_what_is_deleted_is_gone_for_every_search(client: TestClient, own_shop: Shop) -> None:
    add(client, FRESH, id="a")
    assert client.delete("/item?id=a").status_code == 204
    assert best_hit(client, FRESH)["id"] != "a"
    for path in ("/item?id=a", "/item/image?id=a", "/item/thumbnail?id=a"):
        check_problem(client.get(path), 404, "item_missing")
    check_problem(client.post("/search", json={"id": "a"}), 404, "item_missing")
    for answer in (client.delete("/item?id=a"), client.patch("/item?id=a", json={})):
        check_problem(answer, 404, "item_missing")
    client.delete("/bin")
    assert files(own_shop.artifacts) == set()
    assert client.get("/readyz").json()["items"] == 60


def test_a_picture_stays_while_another_item_has_it(client: TestClient, own_shop: Shop) -> None:
    add(client, FRESH, id="a")
    add(client, FRESH, id="b")
    client.delete("/item?id=a")
    assert client.get("/item/image?id=b").content == FRESH
    assert best_hit(client, FRESH)["id"] == "b"
    client.delete("/item?id=b")
    client.delete("/bin")
    assert files(own_shop.artifacts) == set()


def test_the_pictures_of_a_source_are_never_touched(client: TestClient, own_shop: Shop) -> None:
    before = sorted((own_shop.artifacts / "pictures").iterdir())
    assert client.delete(url(A_PIECE)).status_code == 204
    assert client.delete("/items", params={"filter": "{}"}).json() == {"matching": 59, "deleted": 59}
    assert sorted((own_shop.artifacts / "pictures").iterdir()) == before
    assert client.get("/items").json() == {"items": [], "total": 0, "next": None, "next_cursor": None}
    answer = client.post("/search", files={"file": FRESH}).json()
    assert (answer["hits"], answer["exact"], answer["items"]) == ([], True, 0)


def test_an_id_may_come_again_with_another_picture(client: TestClient) -> None:
    for number in range(3):
        assert add(client, picture(7300 + number), id="a").status_code == 201
        assert best_hit(client, picture(7300 + number))["euclidean"] == pytest.approx(0, abs=1e-4)
        assert client.get("/item/image?id=a").content == picture(7300 + number)
        assert client.delete("/item?id=a").status_code == 204


def test_deleting_by_filter_counts_first_if_asked_to(client: TestClient, shop: Shop) -> None:
    doomed = {
        piece.id
        for piece in shop.pieces.values()
        if piece.label == "label-1" and float(piece.attributes["price"]) >= 10
    }
    params = {"filter": json.dumps({"label": "label-1", "attributes": {"price": {"gte": 10}}})}
    assert client.delete("/items", params=params | {"dry_run": "true"}).json() == {
        "matching": len(doomed),
        "deleted": 0,
    }
    assert client.get("/items").json()["total"] == 60
    assert client.delete("/items", params=params).json() == {"matching": len(doomed), "deleted": len(doomed)}
    left = {item["id"] for item in client.get("/items", params={"limit": 200}).json()["items"]}
    assert left == shop.pieces.keys() - doomed
    hits = client.post("/search", files={"file": FRESH}, data={"k": "100"}).json()["hits"]
    assert {hit["id"] for hit in hits} == left


@pytest.mark.parametrize(
    "query", ["", "?filter=", "?dry_run=true", "?filter={", "?filter={}&dry-run=true", "?filter={}&dry_run=x"]
)
def test_nothing_is_deleted_by_mistake(client: TestClient, query: str) -> None:
    check_problem(client.delete(f"/items{query}"), 422, "invalid_parameter")
    assert client.get("/items").json()["total"] == 60


def test_a_training_run_keeps_what_was_added(client: TestClient, own_shop: Shop) -> None:
    add(client, FRESH, id="added")
    catalogue = Catalogue(bundles.catalogue_url(own_shop.artifacts))
    catalogue.replace_source([item for item in catalogue.items() if item.id == A_PIECE])
    catalogue.close()
    assert [item["id"] for item in client.get("/items").json()["items"]] == ["added", A_PIECE]


def test_what_is_no_picture_of_ours_is_never_discarded(tmp_path: Path) -> None:
    digest = "ab" * 32
    ours = f"images/ab/{digest}.jpg"
    others = [
        "kept.jpg",
        "images/kept.jpg",
        f"images/ab/../../{digest}.jpg",
        f"images/cd/{digest}.jpg",
        str(tmp_path / ours),
    ]
    for name in (ours, "kept.jpg", "images/kept.jpg", f"images/cd/{digest}.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    FolderPictures(tmp_path, tmp_path).discard(others)
    assert (tmp_path / ours).exists()
    FolderPictures(tmp_path, tmp_path).discard([ours, *others])
    assert sorted(path.name for path in tmp_path.rglob("*.jpg")) == [f"{digest}.jpg", "kept.jpg", "kept.jpg"]
