"""deploy/nginx.conf, in a real nginx: every link works under the paths, ids stay what they are, refusals arrive."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest

from tests.api.security.test_keys import KEYS, entry, sending
from tests.conftest import free_port, serving
from tests.deploy.conftest import DEPLOY, Site, nginx, with_ports
from tests.support.bundles import picture

ADDRESSES = re.compile(r"""(?:href|src|action)=["']([^"'#]+)["']|url: '([^']+)'""")
HOST = {"Host": "shop.example:8080"}
STRIPPING = """
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 64m;
    location /lookalike/api/ {{ proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:{api}/; }}
}}
"""


@pytest.fixture(scope="module")
def client(prefixed: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """Behind nginx, by the public name."""
    port = free_port()
    text = (DEPLOY / "nginx.conf").read_text()
    ports = {5000: prefixed.page, 8000: prefixed.api}
    conf = with_ports(text, listen=f"listen 80; -> listen 127.0.0.1:{port};", ports=ports)
    with (
        nginx(tmp_path_factory.mktemp("nginx"), conf, port) as address,
        httpx2.Client(base_url=address, headers=HOST, timeout=60) as opened,
    ):
        yield opened


def addresses(html: str) -> set[str]:
    result = {unescape(first or second) for first, second in ADDRESSES.findall(html)}
    return {each for each in result if not each.startswith(("data:", "http:", "https:", "blob:"))}


@pytest.mark.parametrize("start", ["/lookalike/", "/lookalike/browse/", "/lookalike/models/", "/lookalike/api/docs"])
def test_every_address_of_a_page_leads_somewhere(client: httpx2.Client, start: str) -> None:
    page = client.get(start)
    assert page.status_code == 200
    result = addresses(page.text)
    assert len(result) >= 3
    for each in result:
        address = urljoin(start, each)
        assert address.startswith("/lookalike"), each
        answer = client.get(address, follow_redirects=False)
        assert answer.status_code < 400 or answer.status_code == 405, (address, answer.status_code)


def test_every_link_of_the_api_is_below_its_path(client: httpx2.Client) -> None:
    listed = client.get("/lookalike/api/items", params={"limit": 3}).json()
    result = client.post("/lookalike/api/search", files={"file": picture(1)}).json()
    links = [listed["next"], result["next"], result["link"], result["report_url"]]
    links += [each[name] for each in (*listed["items"], *result["hits"]) for name in ("image_url", "thumbnail_url")]
    for link in links:
        assert link.startswith("/lookalike/api/")
        assert client.get(link).status_code == 200, link
    assert client.get(urljoin(result["report_url"], "labels.csv")).text == "label\n"
    document = client.get("/lookalike/api/openapi.json").json()
    assert document["servers"][0] == {"url": "/lookalike/api"}


def test_an_item_with_a_slash_is_added_found_changed_and_deleted(client: httpx2.Client) -> None:
    for name in ("x", "x/y", "x/y/z"):
        added = client.post("/lookalike/api/items", files={"file": picture(900 + len(name))}, data={"id": name})
        assert added.status_code == 201, added.text
        assert client.get(added.headers["location"]).json()["id"] == name
    assert client.get("/lookalike/api/items/x%2Fy").json()["id"] == "x/y"
    named: dict[str, Any] = {"params": {"id": "x/y"}}
    assert client.patch("/lookalike/api/item", json={"label": "slash"}, **named).json()["label"] == "slash"
    assert client.delete("/lookalike/api/items/x%2F..%2Fx").status_code in {404, 422}
    assert client.delete("/lookalike/api/item", **named).status_code == 204
    kept = [client.get("/lookalike/api/item", params={"id": name}).status_code for name in ("x", "x/y", "x/y/z")]
    assert kept == [200, 404, 200]
    for name in ("x", "x/y/z"):
        assert client.delete("/lookalike/api/item", params={"id": name}).status_code == 204


def test_a_proxy_that_takes_the_path_away_and_normalises_it_works_by_the_query(prefixed: Site, tmp_path: Path) -> None:
    port = free_port()
    with (
        nginx(tmp_path / "nginx", STRIPPING.format(port=port, api=prefixed.api), port) as address,
        httpx2.Client(base_url=address, headers=HOST, timeout=60) as client,
    ):
        listed = client.get("/lookalike/api/items", params={"limit": 200}).json()["items"]
        assert any("/" in item["id"] for item in listed)
        for item in listed:
            assert client.get(item["image_url"]).status_code == 200
        answer = client.get("/lookalike/api/item", params={"id": listed[0]["id"]})
        assert answer.json()["id"] == listed[0]["id"]
        page = client.get("/lookalike/api/docs")
        assert all(client.get(each).status_code == 200 for each in addresses(page.text))


def test_many_items_at_once_pass_through(client: httpx2.Client) -> None:
    lines = b'{"id": "l%d", "image_base64": "UDUgNCA0IDI1NQowMTIzNDU2Nzg5YWJjZGVm"}\n'
    body = b"".join(lines % number for number in range(40))
    answer = client.post("/lookalike/api/items/batch", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert [line["status"] for line in map(json.loads, answer.text.splitlines())] == [201] * 40


def test_health_is_told_under_any_name(client: httpx2.Client) -> None:
    for path in ("/lookalike/api/livez", "/lookalike/api/readyz", "/lookalike/readyz"):
        assert client.get(path, headers={"Host": "10.1.2.3:9"}).status_code == 200
        assert client.get(path, headers={"Host": "other.example"}).status_code == 200


def test_a_form_of_another_site_is_refused_and_one_of_our_own_is_not(client: httpx2.Client) -> None:
    def delete(origin: str) -> int:
        return client.delete("/lookalike/api/item", params={"id": "nothing"}, headers={"Origin": origin}).status_code

    assert delete("http://shop.example:8080") == 404
    assert delete("http://evil.example") == 403
    assert delete("http://shop.example") == 403  # another port is another site


@pytest.fixture(scope="module")
def refusing(prefixed: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """An API that needs keys and takes small bodies, behind nginx."""
    api, port = free_port(), free_port()
    keys = [entry("read", rate_per_minute=1), entry("write")]
    place = f"location / {{ proxy_pass http://127.0.0.1:{api}; }}"  # by HTTP/1.0, so that each connection is closed
    conf = f"server {{ listen 127.0.0.1:{port}; client_max_body_size 64m; {place} }}"
    settings = {
        "api_keys": json.dumps([key.model_dump(exclude_none=True) for key in keys]),
        "upload_limit_bytes": 100_000,
    }
    with (
        serving("api", api, "/readyz", artifacts=prefixed.artifacts, api_port=api, **settings),
        nginx(tmp_path_factory.mktemp("refusing"), conf, port) as address,
        httpx2.Client(base_url=address, timeout=60) as opened,
    ):
        yield opened


@pytest.mark.parametrize("size", [50_000, 3_000_000])
def test_refusals_arrive_whatever_is_still_on_its_way(refusing: httpx2.Client, size: int) -> None:
    """An answer that is given before the body has come is no 502 of nginx."""
    body = bytes(size)
    json_kind, text_kind = {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}
    refusals = [(401, json_kind), (415, sending(KEYS["write"]) | text_kind)]
    if size > 100_000:
        refusals.append((413, sending(KEYS["write"]) | json_kind))
    for expected, headers in refusals:
        answers = [refusing.post("/items", content=body, headers=headers).status_code for _ in range(12)]
        assert answers == [expected] * 12
    read = sending(KEYS["read"]) | {"Content-Type": "text/plain"}
    refusing.post("/search", content=body, headers=read)
    assert [refusing.post("/search", content=body, headers=read).status_code for _ in range(12)] == [429] * 12
