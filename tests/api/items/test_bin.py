"""The bin: what is deleted can be restored as it was, until it is deleted for good."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.security.keys import ApiKey, digest_of, new_key
from api.serving.cleanup import end_old_entries
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue
from retrieval.pictures import open_pictures
from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import picture

NEW = {"label": "jug", "attributes": '{"price": 3.5}'}
SEED = 77


@pytest.fixture
def api(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts)


def add(api: TestClient, item_id: str, seed: int = SEED) -> dict[str, object]:
    answer = api.post("/items", data={"id": item_id, **NEW}, files={"file": picture(seed)})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def files_of(shop: Shop) -> set[Path]:
    return {path for path in (shop.artifacts / "images").rglob("*") if path.is_file()}


def entries(api: TestClient) -> list[str]:
    return [entry["id"] for entry in api.get("/bin").json()["entries"]]


def closest(api: TestClient, seed: int = SEED) -> str:
    return str(api.post("/search", files={"file": picture(seed)}).json()["hits"][0]["id"])


def test_a_deleted_item_is_gone_at_once_and_restored_as_it_was(api: TestClient, own_shop: Shop) -> None:
    before = add(api, "new")
    assert api.delete("/item?id=new").status_code == 204
    assert api.get("/item?id=new").status_code == 404
    assert closest(api) != "new"
    answer = api.get("/bin").json()
    (entry,) = answer["entries"]
    assert (answer["total"], answer["days"], answer["next"]) == (1, 30, None)
    assert {name: entry[name] for name in ("id", "label", "attributes", "created", "width", "height")} == {
        name: before[name] for name in ("id", "label", "attributes", "created", "width", "height")
    }
    assert datetime.fromisoformat(entry["ends"]) - datetime.fromisoformat(entry["deleted"]) == timedelta(days=30)
    assert api.get(entry["thumbnail_url"]).headers["content-type"] == "image/webp"

    assert api.post("/bin/restore", json={"entries": [entry["entry"]]}).json() == {"restored": 1}
    assert api.get("/item?id=new").json() == before
    assert api.get("/item/image?id=new").content == picture(SEED)
    assert closest(api) == "new"
    assert entries(api) == []
    assert api.get(entry["thumbnail_url"]).json()["code"] == "entry_missing"


def test_items_of_a_training_run_are_restored_too(api: TestClient, own_shop: Shop) -> None:
    ids = sorted(own_shop.pieces)[:3]
    assert api.post("/items/delete", json={"ids": ids}).json() == {"matching": 3, "deleted": 3}
    assert api.get("/items").json()["total"] == 57
    assert api.post("/bin/restore", json={"ids": ids}).json() == {"restored": 3}
    assert api.get("/items").json()["total"] == 60
    assert api.get("/readyz").json()["items"] == 60
    with_catalogue = Catalogue(bundles.catalogue_url(own_shop.artifacts))
    assert {item.origin for item in with_catalogue.get_many(ids).values()} == {"source"}
    with_catalogue.replace_source([])  # as a training run without them does
    with_catalogue.close()
    assert api.get("/items").json()["total"] == 0


def test_what_a_filter_deletes_is_in_the_bin_page_by_page(api: TestClient) -> None:
    count = api.request("DELETE", "/items", params={"filter": "{}"}).json()["deleted"]
    url, ids = "/bin?limit=25", []
    while url:
        page = api.get(url).json()
        assert page["total"] == count == 60
        ids += [entry["id"] for entry in page["entries"]]
        url = page["next"]
    assert len(ids) == len(set(ids)) == 60
    assert api.post("/bin/restore", json={"ids": ids}).json() == {"restored": 60}


def test_an_id_may_be_added_again_and_only_one_of_them_can_exist(api: TestClient) -> None:
    add(api, "new", SEED)
    api.delete("/item?id=new")
    add(api, "new", SEED + 1)
    refused = api.post("/bin/restore", json={"ids": ["new"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "item_exists")
    assert refused.json()["detail"].startswith("ids[0]: ")
    api.delete("/item?id=new")
    first, second = reversed([entry["entry"] for entry in api.get("/bin").json()["entries"]])
    both = api.post("/bin/restore", json={"entries": [first, second]})
    assert (both.status_code, both.json()["code"]) == (422, "invalid_parameter")
    assert api.post("/bin/restore", json={"ids": ["new"]}).json() == {"restored": 1}
    assert api.get("/item/image?id=new").content == picture(SEED + 1), "what was deleted last"
    assert [entry["entry"] for entry in api.get("/bin").json()["entries"]] == [first]


def test_a_restore_is_whole_or_refused(api: TestClient, own_shop: Shop) -> None:
    for place in range(3):
        add(api, f"new {place}", SEED + place)
    api.post("/items/delete", json={"ids": ["new 0", "new 1", "new 2"]})
    refused = api.post("/bin/restore", json={"ids": ["new 0", "other"]}).json()
    assert (refused["code"], refused["detail"][:8]) == ("entry_missing", "ids[1]: ")
    assert api.post("/bin/restore", json={"ids": ["new 0", "new 0"]}).json()["code"] == "invalid_parameter"
    (own_shop.artifacts / api_location(own_shop, SEED + 1)).unlink()
    refused = api.post("/bin/restore", json={"ids": ["new 0", "new 1", "new 2"]}).json()
    assert (refused["code"], refused["detail"][:6]) == ("picture_missing", "ids[1]")
    assert api.get("/items").json()["total"] == 60
    assert len(entries(api)) == 3


def api_location(shop: Shop, seed: int) -> Path:
    return next(path for path in files_of(shop) if path.read_bytes() == picture(seed)).relative_to(shop.artifacts)


def test_pictures_go_with_the_last_entry_that_has_them(api: TestClient, own_shop: Shop) -> None:
    for name in ("one", "two", "three"):
        add(api, name)
    assert len(files_of(own_shop)) == 1
    api.post("/items/delete", json={"ids": ["one", "two", "three"]})
    assert len(files_of(own_shop)) == 1
    names = [entry["entry"] for entry in api.get("/bin").json()["entries"]]
    assert api.post("/bin/delete", json={"entries": names[:1]}).json() == {"deleted": 1}
    assert len(files_of(own_shop)) == 1
    assert api.post("/bin/delete", json={"entries": names}).json()["code"] == "entry_missing"
    assert api.delete("/bin").json() == {"deleted": 2}
    assert files_of(own_shop) == set()
    assert api.delete("/bin").json() == {"deleted": 0}


def test_a_restart_keeps_the_bin_and_its_pictures(own_shop: Shop, open_api: OpenApi) -> None:
    first = open_api(artifacts=own_shop.artifacts)
    add(first, "new")
    first.delete("/item?id=new")
    again = open_api(artifacts=own_shop.artifacts)
    assert again.post("/bin/restore", json={"ids": ["new"]}).json() == {"restored": 1}
    assert again.get("/item/image?id=new").content == picture(SEED)


def test_the_time_of_an_entry_ends(api: TestClient, own_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    add(api, "new")
    api.delete("/item?id=new")
    catalogue = Catalogue(bundles.catalogue_url(own_shop.artifacts))
    end_old_entries(open_pictures(own_shop.artifacts), catalogue, 30)
    assert entries(api) == ["new"]
    later = datetime.now(UTC) + timedelta(days=30, seconds=1)
    for module in ("api.items.bin_entries", "api.serving.cleanup"):
        monkeypatch.setattr(f"{module}.oldest", lambda days: later - timedelta(days=days))
    assert api.get("/bin").json()["total"] == 0, "also before it is cleared away"
    assert api.post("/bin/restore", json={"ids": ["new"]}).json()["code"] == "entry_missing"
    end_old_entries(open_pictures(own_shop.artifacts), catalogue, 30)
    assert files_of(own_shop) == set()
    catalogue.close()


def test_without_a_bin_items_are_gone_at_once(own_shop: Shop, open_api: OpenApi) -> None:
    api = open_api(artifacts=own_shop.artifacts, bin_days=0)
    add(api, "new")
    api.delete("/item?id=new")
    assert files_of(own_shop) == set()
    assert api.get("/bin").json() == {"entries": [], "total": 0, "days": 0, "next": None}


def test_it_says_whose_key_deleted_an_item(own_shop: Shop, open_api: OpenApi) -> None:
    key = new_key()
    known = [ApiKey(name="editors", scope="write", sha256=digest_of(key))]
    api = open_api(artifacts=own_shop.artifacts, api_keys=known)
    api.headers["Authorization"] = f"Bearer {key}"
    api.delete("/item", params={"id": min(own_shop.pieces)})
    assert api.get("/bin").json()["entries"][0]["deleted_by"] == "editors"


def test_the_same_request_again_restores_nothing_twice(api: TestClient) -> None:
    add(api, "new")
    api.delete("/item?id=new")
    headers = {"Idempotency-Key": "undo-1"}
    answers = [api.post("/bin/restore", json={"ids": ["new"]}, headers=headers) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"restored": 1}] * 2
    api.delete("/item?id=new")
    emptied = [api.delete("/bin", headers={"Idempotency-Key": "empty-1"}).json() for _ in range(2)]
    assert emptied == [{"deleted": 1}] * 2


@pytest.mark.parametrize(
    "body", [{}, {"ids": []}, {"ids": ["a"], "entries": ["0" * 32]}, {"entries": ["x"]}, {"all": True}]
)
def test_a_body_that_is_not_understood_is_refused(api: TestClient, body: dict[str, object]) -> None:
    for path in ("/bin/restore", "/bin/delete"):
        assert api.post(path, json=body).json()["code"] == "invalid_parameter"
