"""HEAD: on every address that answers GET, with the same headers and no body."""

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.settings import Settings

ITEM = "shelf%201%2Fpiece-021"
QUERIES = {
    "/search": f"?id={ITEM}",
    "/item": f"?id={ITEM}",
    "/item/image": f"?id={ITEM}",
    "/item/thumbnail": f"?id={ITEM}",
}


def filled(path: str) -> str:
    """An address that there is."""
    item = ITEM if path.startswith("/items") else "tiny"
    parts = {"id": item, "job": "0" * 32, "name:path": "index.html", "name": "index.html", "number": "0"}
    return path.format(**parts) + QUERIES.get(path, "")


PATHS = [
    filled(path)
    for path, methods in create_app(Settings()).openapi()["paths"].items()
    if "get" in methods and path not in ("/duplicates", "/metrics", "/stats")
]
CHANGING = {"x-request-id", "server-timing", "content-length"}


@pytest.mark.parametrize("path", [*PATHS, "/docs", "/openapi.json", "/nowhere", "/item?id=absent"])
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    full, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (full.status_code, b"")
    assert {name: value for name, value in head.headers.items() if name not in CHANGING} == {
        name: value for name, value in full.headers.items() if name not in CHANGING
    }
    assert int(head.headers["content-length"]) > 0


def test_what_only_takes_other_methods_takes_no_head(client: TestClient) -> None:
    assert client.head("/explain").status_code == 405
