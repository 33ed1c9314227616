"""POST /items/batch as a stream: answers come while lines are sent, silence is filled, what broke off is resumed."""

import http.client
import json
import socket
import time
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from api.web import streams
from retrieval.encoding.embedder import Embedder
from tests.api.conftest import OpenApi, Serve, Shop
from tests.api.items.writes.test_batch import KIND, line, send

HEAD = (
    "POST /items/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
)
KEY = {"Idempotency-Key": "nightly 7"}


@pytest.fixture
def client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts)


def chunk(text: str) -> bytes:
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


def test_each_line_is_answered_before_the_next_is_sent(own_shop: Shop, serve: Serve) -> None:
    port = serve(own_shop.artifacts)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HEAD.encode())
        response = None
        for number in range(4):
            connection.sendall(chunk(f"{line(number)}\n"))
            if response is None:
                response = http.client.HTTPResponse(connection)
                response.begin()
                assert response.getheader("x-accel-buffering") == "no"
            assert json.loads(response.readline()) == {
                "line": number + 1,
                "status": 201,
                "id": f"line {number}",
                "problem": None,
            }
        connection.sendall(b"0\r\n\r\n")
        assert response is not None
        assert response.read() == b""


def test_who_reads_nothing_before_all_is_sent_is_waited_for(own_shop: Shop, serve: Serve) -> None:
    """More answers than the buffers of a connection hold; neither side waits for the other."""
    port, count = serve(own_shop.artifacts), 9000
    body = "{}\n" * count
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.sendall(HEAD.encode())
        for start in range(0, len(body), 1000):
            connection.sendall(chunk(body[start : start + 1000]))
        connection.sendall(b"0\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        answers = [json.loads(each) for each in response.read().splitlines()]
    assert [each["line"] for each in answers] == list(range(1, count + 1))
    assert {each["status"] for each in answers} == {422}


def test_a_silence_is_filled_with_blanks(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.02)
    embed = Embedder.embed

    def slow(*arguments: Any) -> Any:
        time.sleep(0.1)
        return embed(*arguments)

    monkeypatch.setattr(Embedder, "embed", slow)
    answer = client.post("/items/batch", content=line(1), headers=KIND)
    assert answer.text.startswith("  ")
    assert [json.loads(each)["status"] for each in answer.text.splitlines()] == [201]


def test_a_batch_that_broke_off_is_resumed(own_shop: Shop, serve: Serve) -> None:
    port, lines = serve(own_shop.artifacts), [line(n) for n in range(20)]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HEAD.encode() + chunk("\n".join(lines[:12])))
    url = f"http://127.0.0.1:{port}/items"
    answer = httpx2.post(f"{url}/batch", content="\n".join(lines), headers=KIND, timeout=60)
    answers = [json.loads(each) for each in answer.text.splitlines()]
    assert [each["id"] for each in answers] == [f"line {n}" for n in range(20)]
    assert {each["status"] for each in answers} <= {200, 201}
    assert httpx2.get(url, timeout=60).json()["total"] == 80


def test_with_a_key_each_line_is_answered_as_the_first_time(client: TestClient) -> None:
    lines = [line(n) for n in range(3)]
    first = client.post("/items/batch", content="\n".join([*lines, "{"]), headers=KIND | KEY).text
    client.delete("/item?id=line%201")
    again = client.post("/items/batch", content="\n".join([*lines, "{", line(4)]), headers=KIND | KEY).text
    told = [json.loads(each) for each in again.splitlines()]
    assert [each["status"] for each in told] == [201, 201, 201, 400, 201]
    assert told[:3] == [json.loads(each) for each in first.splitlines()][:3]
    assert client.get("/item?id=line%201").status_code == 404  # nothing is added by it
    other = client.post("/items/batch", content=line(9), headers=KIND | KEY).text
    assert json.loads(other)["problem"]["code"] == "idempotency_conflict"


def test_a_line_of_which_the_item_was_there_is_remembered_too(client: TestClient) -> None:
    assert send(client, line(1))[0]["status"] == 201
    for _ in range(2):
        answer = client.post("/items/batch", content=line(1), headers=KIND | KEY)
        assert json.loads(answer.text)["status"] == 200
        client.delete("/item?id=line%201")


def test_a_byte_order_mark_does_no_harm_and_another_encoding_is_named(client: TestClient) -> None:
    answers = send(client, b"\xef\xbb\xbf" + f"{line(1)}\n{line(2)}".encode())
    assert [each["status"] for each in answers] == [201, 201]
    (first, *_) = send(client, line(3).encode("utf-16"))
    assert "UTF-16" in first["problem"]["detail"]
