"""Whoever is refused while the body is still on its way gets the answer, not a connection that was reset."""

import json
import socket
import time

import httpx2
import pytest

from api.web import drain
from tests.api.conftest import Serve
from tests.api.security.test_keys import KEYS, entry, sending

LIMIT_BYTES = 100_000


@pytest.fixture
def port(serve: Serve) -> int:
    return serve(upload_limit_bytes=LIMIT_BYTES, api_keys=(entry("write"),))


def begin(port: int, *lines: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall("\r\n".join(("POST /items HTTP/1.1", "Host: x", *lines, "", "")).encode())
    return connection


def answer_of(connection: socket.socket) -> tuple[int, str, dict[str, object]]:
    """Status, head and problem; the connection may stay open."""
    received = b""
    while b"\r\n\r\n" not in received or not received.endswith(b"}"):
        part = connection.recv(65536)
        assert part, received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), json.loads(body)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("size", [10, LIMIT_BYTES, 3_000_000])
def test_who_sends_all_before_reading_gets_the_answer(port: int, version: str, size: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = f"POST /items HTTP/{version}\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode())
        for start in range(0, size, 65_536):
            connection.sendall(bytes(min(65_536, size - start)))
            time.sleep(0.001)  # the answer is here by now
        status, _, problem = answer_of(connection)
        assert (status, problem["code"]) == (401, "key_missing")
        assert connection.recv(1) == b""


def test_the_answer_comes_before_the_body_and_the_connection_can_be_used_again(port: int) -> None:
    with begin(port, "Content-Length: 50000") as connection:
        status, head, _ = answer_of(connection)
        assert status == 401
        assert "connection: close" not in head
        connection.sendall(bytes(50_000) + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer_of(connection)[2] == {"status": "alive"}


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", f"Content-Length: {10**12}"])
def test_a_body_without_end_is_not_read_for_ever(port: int, framing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "DRAIN_SECONDS", 0.2)
    with begin(port, framing) as connection:
        status, head, _ = answer_of(connection)
        assert status == 401
        assert "connection: close" in head
        assert connection.recv(1) == b""  # after a while


def test_whoever_reads_the_answer_and_sends_no_more_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "DRAIN_SECONDS", 3600)
    monkeypatch.setattr(drain, "PAUSE_SECONDS", 0.2)
    with begin(port, "Content-Length: 50000") as connection:
        assert answer_of(connection)[0] == 401
        assert connection.recv(1) == b""  # after a pause


def test_whoever_waits_for_a_word_to_go_on_is_not_told_to(port: int) -> None:
    with begin(port, "Content-Length: 50000", "Expect: 100-continue") as connection:
        status, head, _ = answer_of(connection)
        assert status == 401
        assert "connection: close" in head
        assert connection.recv(1) == b""


def test_every_refusal_of_an_upload_is_an_answer(port: int) -> None:
    headers = sending(KEYS["write"])
    big, small = bytes(1_000_000), bytes(1000)
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        answers = [
            client.post("/items", content=big, headers={"Authorization": ""}),
            client.post("/items", files={"file": big}),
            client.post("/items", content=big, headers={"Content-Type": "a/b"}),
            client.post("/items", files={"file": small}),
            client.post("/nothing", content=big),
            client.put("/search", content=big),
        ]
    assert [answer.status_code for answer in answers] == [401, 413, 415, 415, 404, 405]
