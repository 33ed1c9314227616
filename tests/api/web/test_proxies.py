"""Behind proxies: the public path in every link, and forwarded headers of named proxies only."""

from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from api.setting_types import network
from api.web.proxies import Forwarded
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add
from tests.api.test_errors import check_problem
from tests.support.bundles import picture

PROXY = "10.1.2.3"


def seen(headers: dict[str, str], *, peer: str = PROXY, trusted: str = "10.0.0.0/8", path: str = "/") -> dict[str, Any]:
    """What an application behind the middleware takes a request for."""
    app = FastAPI()

    @app.get("/{rest:path}")
    def look(request: Request, rest: str) -> dict[str, Any]:
        return {
            "client": request.client and request.client.host,
            "url": str(request.url),
            "root": request.scope["root_path"],
            "rest": rest,
            "left": sorted(name for name in request.headers if "forwarded" in name),
        }

    app.add_middleware(Forwarded, path="", trusted=[network(trusted)])
    with TestClient(app, client=(peer, 1234), base_url="http://inner:8000") as client:
        return dict(client.get(path, headers=headers).json())


@pytest.mark.parametrize(
    ("headers", "client", "url"),
    [
        ({}, PROXY, "http://inner:8000/"),
        (
            {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"},
            "192.0.2.7",
            "https://shop.example/",
        ),
        ({"X-Forwarded-For": "6.6.6.6, 192.0.2.7, 10.9.9.9"}, "192.0.2.7", "http://inner:8000/"),
        ({"X-Forwarded-Host": "shop.example", "X-Forwarded-Port": "8443"}, PROXY, "http://shop.example:8443/"),
        ({"X-Forwarded-Host": "shop.example:8080", "X-Forwarded-Port": "9"}, PROXY, "http://shop.example:8080/"),
        (
            {"Forwarded": 'for="[2001:db8::1]:4711";proto=https;host=shop.example, for=10.0.0.9'},
            "2001:db8::1",
            "https://shop.example/",
        ),
        (
            {"X-Forwarded-For": "192.0.2.7, 10.9.9.9", "X-Forwarded-Host": "shop.example, inner.example"},
            "192.0.2.7",
            "http://shop.example/",
        ),
        # Set by the client, while the proxy has set the other kind.
        ({"Forwarded": "host=evil.example", "X-Forwarded-For": "192.0.2.7"}, "192.0.2.7", "http://inner:8000/"),
        ({"X-Forwarded-Host": "evil.example/\\@x", "X-Forwarded-Proto": "javascript"}, PROXY, "http://inner:8000/"),
        ({"X-Forwarded-For": "unknown, _hidden"}, PROXY, "http://inner:8000/"),
    ],
)
def test_a_named_proxy_is_believed(headers: dict[str, str], client: str, url: str) -> None:
    answer = seen(headers)
    assert (answer["client"], answer["url"], answer["left"]) == (client, url, [])


def test_nobody_else_is_believed() -> None:
    headers = {
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=192.0.2.7;host=evil.example",
    }
    answer = seen(headers, peer="192.0.2.1")
    assert answer == {"client": "192.0.2.1", "url": "http://inner:8000/", "root": "", "rest": "", "left": []}
    assert seen(headers, peer="::ffff:10.1.2.3")["client"] == "192.0.2.7"


@pytest.mark.parametrize(
    ("prefix", "path", "root", "rest"),
    [
        ("/lookalike/api", "/items", "/lookalike/api", "items"),
        ("/lookalike/api/", "/lookalike/api/items", "/lookalike/api", "items"),
        ("/lookalike", "/lookalikes", "/lookalike", "lookalikes"),
        ("//evil.example", "/items", "", "items"),
        ("/a/../b", "/items", "", "items"),
        ("/a b", "/items", "", "items"),
    ],
)
def test_a_prefix_is_taken_if_it_is_a_plain_path(prefix: str, path: str, root: str, rest: str) -> None:
    answer = seen({"X-Forwarded-Prefix": prefix}, path=path)
    assert (answer["root"], answer["rest"]) == (root, rest)


PUBLIC = "https://shop.example/lookalike/api"


@pytest.mark.parametrize("kept", [True, False], ids=["path kept", "path taken away"])
def test_every_link_begins_with_the_public_path(own_shop: Shop, open_api: OpenApi, kept: bool) -> None:
    client = open_api(artifacts=own_shop.artifacts, api_public_url=PUBLIC)
    before = "/lookalike/api" if kept else ""
    result = client.post(f"{before}/search", files={"file": picture(1)}).json()
    listed = client.get(f"{before}/items?limit=2").json()
    points = client.get(f"{before}/map").json()["points"]
    added = add(client, FRESH, id="a/b")
    links = [result["next"], result["link"], listed["next"], points[0]["thumbnail_url"], added.headers["location"]]
    links += [each[name] for each in (*result["hits"], *listed["items"]) for name in ("image_url", "thumbnail_url")]
    for link in links:
        assert link.startswith("/lookalike/api/")
        assert client.get(link if kept else link.removeprefix("/lookalike/api")).status_code == 200
    lines = client.post(f"{before}/items/batch", content=b"x\n", headers={"Content-Type": "application/x-ndjson"})
    assert lines.status_code == 200
    assert client.get(f"{before}/openapi.json").json()["servers"] == [{"url": "/lookalike/api"}]
    assert '"/lookalike/api/static-offline-docs/' in client.get(f"{before}/docs").text


def test_the_public_name_needs_no_other_setting(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts, api_public_url=PUBLIC)
    assert client.get("/items", headers={"Host": "shop.example"}).status_code == 200
    refused = client.get("/items", headers={"Host": "other.example"})
    check_problem(refused, 403, "cross_origin_refused")
    for setting in ("LOOKALIKE_HOSTS", "LOOKALIKE_API_PUBLIC_URL"):
        assert setting in refused.json()["detail"]
    for path in ("/livez", "/readyz"):
        assert client.get(path, headers={"Host": "other.example"}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://shop.example", 404), ("https://shop.example:8443", 403), ("http://shop.example", 403), ("null", 403)],
)
def test_a_page_of_the_public_origin_may_change_something(
    shop: Shop, open_api: OpenApi, origin: str, status: int
) -> None:
    """Even where the proxy passes another Host on; and others are told which setting they may need."""
    client = open_api(artifacts=shop.artifacts, api_public_url=PUBLIC)
    answer = client.delete("/item?id=nothing", headers={"Origin": origin, "Host": "127.0.0.1:8000"})
    assert answer.status_code == status
    assert status == 404 or "LOOKALIKE_API_PUBLIC_URL" in answer.json()["detail"]
