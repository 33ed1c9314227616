"""GET /items: every order, filter and page is that of a sorted list; and pictures in part."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.schemas.search.answer import image_url
from tests.api.conftest import OpenApi, Shop
from tests.api.items.test_items import A_PIECE, thumbnail
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, picture, write_artifacts

ORDERS = [
    "id",
    "-id",
    "label",
    "-label",
    "attributes.price",
    "-attributes.price",
    "attributes.shape",
    "attributes.none",
]


def pages(client: TestClient, **parameters: Any) -> list[list[str]]:
    """The ids of every page, following the links."""
    answer = client.get("/items", params=parameters).json()
    found_pages = [answer]
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        found_pages.append(answer)
    assert len({page["total"] for page in found_pages}) == 1
    return [[item["id"] for item in page["items"]] for page in found_pages]


def sorted_pieces(shop: Shop, order: str) -> list[str]:
    name = order.removeprefix("-").removeprefix("attributes.")

    def key(piece: Piece) -> Any:
        return piece.id if name == "id" else piece.label if name == "label" else piece.attributes.get(name)

    with_value = [piece for piece in shop.pieces.values() if key(piece) is not None]
    without = sorted((piece.id for piece in shop.pieces.values() if key(piece) is None), reverse=order.startswith("-"))
    ranked = sorted(with_value, key=lambda piece: (key(piece), piece.id), reverse=order.startswith("-"))
    return [piece.id for piece in ranked] + without


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 7, 60])
def test_all_pages_together_are_the_sorted_items(client: TestClient, shop: Shop, order: str, limit: int) -> None:
    found_pages = pages(client, order=order, limit=limit)
    assert [len(page) for page in found_pages[:-1]] == [limit] * (len(found_pages) - 1)
    assert [item_id for page in found_pages for item_id in page] == sorted_pieces(shop, order)


def test_a_filter_goes_on_over_the_pages(client: TestClient, shop: Shop) -> None:
    filter_text = json.dumps({"attributes": {"glazed": True, "shape": ["bowl", "ü"]}})
    expected = {
        piece.id for piece in shop.pieces.values() if piece.attributes["glazed"] and piece.attributes["shape"] == "bowl"
    }
    found_pages = pages(client, order="-label", limit=3, filter=filter_text)
    assert {item_id for page in found_pages for item_id in page} == expected
    assert sum(map(len, found_pages)) == len(expected) > 3


@pytest.mark.parametrize(
    "query",
    [
        "order=price",
        "order=attributes.",
        "order=--id",
        "order=id&cursor=canary",
        "cursor=WzFd",
        "cursor=ü",
        "order=label&cursor=WyJhIl0",
        "limit=0",
        "limit=201",
        "filter=canary",
        "cursor=WyJcdWQ4MDAiXQ",
        "cursor=WyJcdTAwMDAiXQ",
    ],
)
def test_what_is_no_page_is_refused(client: TestClient, query: str) -> None:
    check_problem(client.get(f"/items?{query}"), 422, "invalid_parameter")


def test_values_of_every_kind_have_their_place(tmp_path_factory: pytest.TempPathFactory, open_api: OpenApi) -> None:
    values: list[Any] = [True, "b", 2**60, None, -0.5, "B", 3, False, "花", 2**60 + 1]
    made = [Piece(f"{n}", picture(n), None, {} if value is None else {"a": value}) for n, value in enumerate(values)]
    artifacts = tmp_path_factory.mktemp("values")
    write_artifacts(artifacts, made)
    expected = [-0.5, 3, 2**60, 2**60 + 1, "B", "b", "花", False, True, None]
    (page,) = pages(open_api(artifacts=artifacts), order="attributes.a")
    assert [values[int(item_id)] for item_id in page] == expected
    assert [each[0] for each in pages(open_api(artifacts=artifacts), order="attributes.a", limit=1)] == page


PICTURES = [image_url(A_PIECE), thumbnail(160)]


@pytest.mark.parametrize("url", PICTURES)
@pytest.mark.parametrize(
    ("range_header", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=5-", 5, None),
        ("bytes=-7", -7, None),
        ("bytes=10-10", 10, 11),
        ("bytes=3-999999", 3, None),
        ("bytes=-999999", 0, None),
        ("BYTES = 0-0", 0, 1),
    ],
)
def test_a_part_of_a_picture_is_sent(
    client: TestClient, url: str, range_header: str, start: int, end: int | None
) -> None:
    whole = client.get(url)
    assert whole.headers["accept-ranges"] == "bytes"
    part = client.get(url, headers={"Range": range_header})
    expected = whole.content[start:end]
    assert (part.status_code, part.content) == (206, expected)
    first = (
        whole.content.index(expected)
        if len(expected) > 1
        else int(part.headers["content-range"].split()[1].split("-")[0])
    )
    assert part.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(whole.content)}"
    assert part.headers["content-length"] == str(len(expected))
    for name in ("etag", "content-type", "cache-control"):
        assert part.headers[name] == whole.headers[name]


WITHOUT_EFFECT = ["bytes=9-3", "bytes=0-1,4-5", "bytes=-", "lines=0-1", "bytes=a-b", "bytes=0", ""]


@pytest.mark.parametrize("url", PICTURES)
@pytest.mark.parametrize("range_header", WITHOUT_EFFECT)
def test_what_is_no_single_range_is_answered_with_all(client: TestClient, url: str, range_header: str) -> None:
    whole = client.get(url)
    answer = client.get(url, headers={"Range": range_header})
    assert (answer.status_code, answer.content) == (200, whole.content)


@pytest.mark.parametrize("url", PICTURES)
@pytest.mark.parametrize("range_header", ["bytes=999999-", "bytes=999999-9999999", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(client: TestClient, url: str, range_header: str) -> None:
    answer = client.get(url, headers={"Range": range_header})
    check_problem(answer, 416, "range_unsatisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(client.get(url).content)}"


@pytest.mark.parametrize("url", PICTURES)
def test_a_range_of_another_version_is_answered_with_all(client: TestClient, url: str) -> None:
    whole = client.get(url)
    same = client.get(url, headers={"Range": "bytes=0-9", "If-Range": whole.headers["etag"]})
    assert (same.status_code, same.content) == (206, whole.content[:10])
    for other in ('"other"', f"W/{whole.headers['etag']}", "Sat, 01 Jan 2000 00:00:00 GMT"):
        answer = client.get(url, headers={"Range": "bytes=0-9", "If-Range": other})
        assert (answer.status_code, answer.content) == (200, whole.content)
    known = client.get(url, headers={"Range": "bytes=0-9", "If-None-Match": whole.headers["etag"]})
    assert known.status_code == 304
