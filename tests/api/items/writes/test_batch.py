"""POST /items/batch: a line, an item; broken lines are told and stop nothing; a stream is never held whole."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.items import batch
from tests.api.conftest import OpenApi, Serve, Shop
from tests.api.items.writes.test_add import best_hit
from tests.api.test_errors import check_problem
from tests.support.bundles import picture

KIND = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts, upload_limit_bytes=20_000)


def line(number: int, **fields: Any) -> str:
    encoded = base64.b64encode(picture(7400 + number)).decode()
    return json.dumps({"image_base64": encoded, "id": f"line {number}", **fields})


def send(client: TestClient, body: str | bytes | Iterator[bytes]) -> list[dict[str, Any]]:
    answer = client.post("/items/batch", content=body, headers=KIND)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(each) for each in answer.text.splitlines()]


def test_every_line_is_added(client: TestClient) -> None:
    answers = send(client, "\n".join(line(n, label="new", attributes={"n": n}) for n in range(40)))
    expected = [{"line": n + 1, "status": 201, "id": f"line {n}", "problem": None} for n in range(40)]
    assert answers == expected
    assert client.get("/items").json()["total"] == 100
    for number in (0, 15, 16, 39):
        assert best_hit(client, picture(7400 + number))["id"] == f"line {number}"
        assert client.get(f"/item?id=line%20{number}").json()["attributes"] == {"n": number}


@pytest.mark.parametrize(
    "kind",
    [
        *("application/jsonl", "application/ndjson", "application/x-ldjson", "application/jsonlines", "text/x-ndjson"),
        *("application/x-jsonlines", "application/json-lines", "Application/JSONL; charset=utf-8", "text/jsonl"),
        "application/stream+json",
    ],
)
def test_lines_of_json_have_many_names(client: TestClient, kind: str) -> None:
    answer = client.post("/items/batch", content=line(1), headers={"Content-Type": kind})
    assert [json.loads(each)["status"] for each in answer.text.splitlines()] == [201]


@pytest.mark.parametrize("kind", ["application/json-patch+json", "text/json-lines-of-csv", "application/jsonld"])
def test_other_kinds_of_json_are_no_lines(client: TestClient, kind: str) -> None:
    answer = client.post("/items/batch", content=line(1), headers={"Content-Type": kind})
    check_problem(answer, 415, "unsupported_body")


def test_an_item_of_the_same_address_is_not_described_without_end(client: TestClient) -> None:
    """Only what is posted to /items/batch is read a line at a time."""
    body = b'{"label": "' + b"x" * 20_000 + b'"}'
    check_problem(client.patch("/items/batch?id=batch", content=body, headers=JSON), 413, "too_many_bytes")


BROKEN = {
    "{": "unparseable",
    "[]": "invalid_parameter",
    '{"id": "a"}': "invalid_parameter",
    '{"image_base64": "bm8gcGljdHVyZQ=="}': "unsupported_format",
    '{"image_base64": "' + "A" * 20_000 + '"}': "too_many_bytes",
    "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"): "unparseable",
    line(1): "item_exists",
}


def test_broken_lines_do_not_stop_the_rest(client: TestClient) -> None:
    assert send(client, line(2, id="line 1"))[0]["status"] == 201
    lines, expected = [], []
    for number, (text, code) in enumerate(BROKEN.items()):
        lines += [text, "", line(10 + number)]
        expected += [(3 * number + 1, None, code), (3 * number + 3, f"line {10 + number}", None)]
    answers = send(client, "\r\n".join(lines))
    assert [(each["line"], each["id"], each["problem"] and each["problem"]["code"]) for each in answers] == expected
    for each in answers:
        assert each["status"] == (each["problem"] or {"status": 201})["status"]
    assert client.get("/items").json()["total"] == 61 + len(BROKEN)


def test_of_two_lines_of_one_id_the_first_counts(client: TestClient) -> None:
    answers = send(client, "\n".join([line(1, id="a"), line(2, id="a"), line(1, id="a"), line(1, id="b")]))
    assert [each["status"] for each in answers] == [201, 409, 200, 201]
    assert best_hit(client, picture(7402))["id"] != "a"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_may_be_cut_anywhere(client: TestClient, size: int) -> None:
    body = "\n".join(["", line(1), line(2), "{", line(3), ""]).encode()
    parts = (body[start : start + size] for start in range(0, len(body), size))
    assert [(each["line"], each["status"]) for each in send(client, parts)] == [(2, 201), (3, 201), (4, 400), (5, 201)]


def test_an_empty_stream_has_an_empty_answer(client: TestClient) -> None:
    assert send(client, "") == send(client, "\n \r\n") == []


def test_another_kind_of_body_is_refused(client: TestClient) -> None:
    csv = {"Content-Type": "text/csv"}
    check_problem(client.post("/items/batch", content="a,b", headers=csv), 415, "unsupported_body")
    check_problem(client.post("/items/batch", json={}), 422, "invalid_parameter")
    check_problem(client.post("/items/batch", content="x" * 20_001, headers=JSON), 413, "too_many_bytes")


def test_a_list_in_json_is_answered_by_a_list(client: TestClient) -> None:
    entries = [json.loads(line(n)) for n in range(5)]
    entries[2] = {"id": "a", "lable": "x"}
    answers = client.post("/items/batch", json={"items": [*entries, 3]}).json()["answers"]
    assert [each["line"] for each in answers] == [1, 2, 3, 4, 5, 6]
    assert [each["status"] for each in answers] == [201, 201, 422, 201, 201, 422]
    assert "items[2]" in answers[2]["problem"]["detail"]
    assert "did you mean label?" in answers[2]["problem"]["detail"]
    assert best_hit(client, picture(7401))["id"] == "line 1"
    assert client.get("/items").json()["total"] == 64


def test_so_many_lines_and_no_more(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_LINES", 20)
    answers = send(client, "\n".join(line(n) for n in range(25)))
    assert [each["status"] for each in answers] == [201] * 20 + [413]
    assert client.get("/items").json()["total"] == 80


def test_what_came_before_the_line_broke_off_is_kept(own_shop: Shop, serve: Serve, open_api: OpenApi) -> None:
    port = serve(own_shop.artifacts)
    body = "\n".join(line(n) for n in range(16)) + "\n"
    head = (
        "POST /items/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 999999\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall((head + body).encode())
    client = open_api(artifacts=own_shop.artifacts)
    while client.get("/items").json()["total"] != 76:
        time.sleep(0.01)
