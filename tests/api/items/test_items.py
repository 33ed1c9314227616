"""GET /items and below: ids of every kind, pictures, thumbnails, caching."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from api.main import create_app
from api.schemas.search.answer import image_url
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue
from tests.api.conftest import OpenApi, Shop, until_ready
from tests.support.bundles import Piece, picture, write_artifacts

AWKWARD_IDS = [
    "a",
    "a/b",
    "a/image",
    "a/thumbnail",
    "x/thumbnail",
    "image",
    "ü?#%",
    "%2F",
    "a b+c&d=e",
    "//",
    "/a",
    "漢字/",
]
A_PIECE = "shelf 1/piece-021"


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    artifacts = tmp_path_factory.mktemp("awkward")
    write_artifacts(artifacts, [Piece(name, picture(n), name, {}) for n, name in enumerate(AWKWARD_IDS)])
    with TestClient(create_app(Settings(artifacts=artifacts))) as client:
        yield until_ready(client)


@pytest.mark.parametrize("item_id", AWKWARD_IDS)
def test_every_id_round_trips(awkward: TestClient, item_id: str) -> None:
    item = awkward.get(f"/item?id={quote(item_id, safe='')}").json()
    assert item["id"] == item["label"] == item_id
    data = picture(AWKWARD_IDS.index(item_id))
    assert awkward.get(item["image_url"]).content == data
    assert awkward.get(item["thumbnail_url"]).headers["content-type"] == "image/webp"
    hits = awkward.post("/search", files={"id": (None, item_id)}).json()["hits"]
    assert {hit["id"] for hit in hits} == set(AWKWARD_IDS) - {item_id}


@settings(max_examples=50, deadline=None)
@given(
    item_id=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda text: text not in {".", ".."}
    )
)
@example(item_id="a\\b")
def test_an_unknown_id_of_any_kind_is_a_404(client: TestClient, item_id: str) -> None:
    answer = client.get(image_url(item_id))
    assert (answer.status_code, answer.json()["code"]) == (404, "item_missing")


def test_items_lists_the_first_by_id(client: TestClient, shop: Shop) -> None:
    answer = client.get("/items", params={"limit": 5}).json()
    assert [item["id"] for item in answer["items"]] == sorted(shop.pieces)[:5]
    assert answer["total"] == 60
    assert len(client.get("/items").json()["items"]) == 24


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_items_refuses_limits_out_of_range(client: TestClient, limit: str) -> None:
    assert client.get("/items", params={"limit": limit}).json()["code"] == "invalid_parameter"


def test_an_item_tells_what_the_catalogue_holds(client: TestClient, shop: Shop) -> None:
    piece = shop.pieces[A_PIECE]
    item = client.get(f"/item?id={quote(A_PIECE, safe='')}").json()
    assert datetime.fromisoformat(item.pop("created")) < datetime.now(UTC)  # see test_created.py
    assert item == {
        "id": A_PIECE,
        "label": piece.label,
        "attributes": piece.attributes,
        "width": 60,
        "height": 44,
        "sha256": sha256(piece.data).hexdigest(),
        "image_url": "/item/image?id=shelf%201%2Fpiece-021",
        "thumbnail_url": "/item/thumbnail?id=shelf%201%2Fpiece-021",
    }


def test_an_image_comes_as_it_is(client: TestClient, shop: Shop) -> None:
    answer = client.get(image_url(A_PIECE))
    assert answer.content == shop.pieces[A_PIECE].data
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("size", [160, 320, 640])
def test_a_thumbnail_is_a_webp_no_larger_than_asked_for(own_shop: Shop, open_api: OpenApi, size: int) -> None:
    large = own_shop.artifacts / "large.jpg"
    large.write_bytes(picture(1, width=1300, height=500))
    point_at(own_shop, str(large))
    answer = open_api(artifacts=own_shop.artifacts).get(thumbnail(size))
    with Image.open(BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("WEBP", (size, round(size * 5 / 13)))


def test_a_thumbnail_has_320_pixels_unless_told_and_no_other_sizes(client: TestClient) -> None:
    assert client.get(thumbnail(320)).headers["etag"] == client.get(thumbnail()).headers["etag"]
    assert client.get(thumbnail(100)).json()["code"] == "invalid_parameter"


@pytest.mark.parametrize("part", ["image", "thumbnail"])
def test_what_the_client_has_is_not_sent_again(client: TestClient, part: str) -> None:
    url = f"/item/{part}?id={quote(A_PIECE, safe='')}"
    first = client.get(url)
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache", "another picture may come under the same id"
    for known in (etag, f'"other", W/{etag}', "*"):
        again = client.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert again.headers["cache-control"] == first.headers["cache-control"]
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_sizes_of_a_thumbnail_are_told_apart(client: TestClient) -> None:
    tags = {client.get(url).headers["etag"] for url in (thumbnail(160), thumbnail(640), image_url(A_PIECE))}
    assert len(tags) == 3


def test_a_location_may_be_absolute(own_shop: Shop, open_api: OpenApi, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jpg"
    elsewhere.write_bytes(b"not even a picture")
    point_at(own_shop, str(elsewhere))
    client = open_api(artifacts=own_shop.artifacts)
    assert client.get(image_url(A_PIECE)).content == b"not even a picture"
    assert client.get(thumbnail()).json()["code"] == "unsupported_format"


@pytest.mark.parametrize("part", ["image", "thumbnail"])
def test_a_picture_that_is_gone_is_a_404_and_its_item_stays(own_shop: Shop, open_api: OpenApi, part: str) -> None:
    shutil.rmtree(own_shop.artifacts / "pictures")
    client = open_api(artifacts=own_shop.artifacts)
    answer = client.get(f"/item/{part}?id={quote(A_PIECE, safe='')}")
    assert (answer.status_code, answer.json()["code"]) == (404, "picture_missing")
    assert str(own_shop.artifacts) not in answer.text
    assert client.get(f"/item?id={quote(A_PIECE, safe='')}").status_code == 200


def thumbnail(size: int | None = None) -> str:
    return f"/item/thumbnail?id={quote(A_PIECE, safe='')}" + (f"&size={size}" if size else "")


def point_at(shop: Shop, location: str) -> None:
    """Let the catalogue say that A_PIECE's picture is there."""
    catalogue = Catalogue(bundles.catalogue_url(shop.artifacts))
    items = list(catalogue.items())
    catalogue.replace_source([replace(item, location=location) if item.id == A_PIECE else item for item in items])
    catalogue.close()
