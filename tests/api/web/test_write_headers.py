"""Headers of requests that change something: each is honoured or refused by every operation, none is passed over."""

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.settings import Settings
from tests.api.test_errors import check_problem

READING = ("/search", "/compare", "/explain", "/faces", "/items/list")
"""Where a picture or a filter is posted that is only looked at."""
WRITES = {
    f"{method.upper()} {path}": {each["name"].lower() for each in operation.get("parameters", ())}
    for path, methods in create_app(Settings()).openapi()["paths"].items()
    for method, operation in methods.items()
    if method != "get" and not path.startswith(READING)
}
HEADERS = {
    "If-Match": "*",
    "If-None-Match": "*",
    "If-Modified-Since": "Sat, 29 Oct 2033 19:43:31 GMT",
    "If-Unmodified-Since": "Sat, 29 Oct 1994 19:43:31 GMT",
    "Idempotency-Key": "order-4711",
    "Content-Range": "bytes 0-99/200",
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "PATCH",
    "X-Method-Override": "PUT",
    "Expect": "202-accepted",
}


@pytest.mark.parametrize("write", WRITES)
def test_what_is_not_honoured_is_refused(client: TestClient, write: str) -> None:
    method, path = (
        write.replace("/items/{id}", "/items/a?id=a").replace("{id}", "a").replace("{dismissal}", "a").split()
    )
    before = client.get("/items").json()
    for name, text in HEADERS.items():
        if name.lower() in WRITES[write]:
            continue
        answer = client.request(method, path, headers={name: text})
        check_problem(answer, 422, "invalid_parameter")
        assert answer.json()["detail"].startswith(f"{name}: "), name
    assert client.get("/items").json() == before


def test_what_is_honoured_is_documented() -> None:
    names = ("if-match", "idempotency-key")
    honoured = {name: {each for each in WRITES if name in WRITES[each]} for name in names}
    assert {"PATCH /item", "PUT /item", "DELETE /item"} <= honoured["if-match"] <= honoured["idempotency-key"]
    assert {"POST /items", "POST /items/batch", "POST /items/delete", "POST /feedback"} <= honoured["idempotency-key"]
