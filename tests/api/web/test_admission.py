"""Who is let in: decided by the head of a request, and again when its body is there; never by how slowly it comes."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from api import limits
from api.errors import Refusal
from api.limits import Pool
from api.search import service
from tests.api.conftest import Serve
from tests.api.security.test_keys import entry
from tests.support.bundles import picture

SEARCH = "POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@contextmanager
def busy(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While a search keeps the one worker, so that a server without a queue is full."""
    begun, go_on, search_now = threading.Event(), threading.Event(), service.search

    def slow(*args: Any, **kwargs: Any) -> object:
        begun.set()
        go_on.wait()
        return search_now(*args, **kwargs)

    monkeypatch.setattr(service, "search", slow)
    with ThreadPoolExecutor(1) as client:
        search = client.submit(
            httpx2.post, f"http://127.0.0.1:{port}/search", json={"id": "shelf 0/piece-000"}, timeout=60
        )
        try:
            begun.wait()
            yield
        finally:
            go_on.set()
        assert search.result().status_code == 200


def connect(port: int, text: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(text.encode())
    return connection


def everything(connection: socket.socket) -> tuple[int, str, bytes]:
    """Status, head and body of the answer, up to where the server hangs up."""
    received = b""
    while part := connection.recv(65_536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), body


def test_a_full_server_refuses_before_it_looks_at_key_or_body(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    port = serve(workers=1, queue=0)
    with busy(port, monkeypatch):
        answers = [
            httpx2.post(f"http://127.0.0.1:{port}/search", content=b"{", headers={"Content-Type": "a/b"}, timeout=60),
            httpx2.post(f"http://127.0.0.1:{port}/search?unknown=1", files={"file": picture(1)}, timeout=60),
            httpx2.get(f"http://127.0.0.1:{port}/items", timeout=60),
        ]
        assert [(each.status_code, each.json()["code"]) for each in answers] == [(503, "overloaded")] * 3
        assert all(int(each.headers["Retry-After"]) > 0 and each.headers["X-Request-ID"] for each in answers)
        assert httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
        counted = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
        assert 'lookalike_requests_total{operation="search",status="503"} 2.0' in counted
        assert 'lookalike_requests_total{operation="list_items",status="503"} 1.0' in counted


def test_changes_are_let_in_while_searches_are_not(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    port = serve(workers=1, queue=0)
    with busy(port, monkeypatch):
        answer = httpx2.post(f"http://127.0.0.1:{port}/items", files={"file": b"no picture"}, timeout=60)
        assert answer.json()["code"] == "unsupported_format"


def test_a_body_that_ends_when_there_is_no_place_is_not_parsed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    port = serve(workers=1, queue=0)
    with connect(port, SEARCH + "Connection: close\r\nContent-Length: 9\r\n\r\nbro") as connection:
        with busy(port, monkeypatch):
            connection.sendall(b"ken{{{")
            status, head, body = everything(connection)
        assert (status, json.loads(body)["code"]) == (503, "overloaded")
        assert "retry-after: " in head


def test_a_body_on_its_way_takes_a_place_for_a_while(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a burst of requests would send bodies that nobody has a place for."""
    monkeypatch.setattr(limits, "ARRIVAL_SECONDS", 3600)
    port = serve(workers=1, queue=1)
    with connect(port, SEARCH + "Connection: close\r\nContent-Length: 99\r\n\r\n{") as connection:
        with busy(port, monkeypatch):
            answer = httpx2.get(f"http://127.0.0.1:{port}/items", timeout=60)
            assert (answer.json()["code"], int(answer.headers["Retry-After"]) > 0) == ("overloaded", True)
        assert httpx2.get(f"http://127.0.0.1:{port}/items", timeout=60).status_code == 200
        connection.sendall(b"}" + b" " * 97)
        assert everything(connection)[0] == 422


def test_clients_that_send_slowly_take_no_place(serve: Serve) -> None:
    port = serve(workers=1, queue=0)
    slow = [connect(port, SEARCH + "Content-Length: 999\r\n\r\n{") for _ in range(20)]
    answers = [httpx2.post(f"http://127.0.0.1:{port}/search", files={"file": picture(n)}, timeout=60) for n in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    for connection in slow:
        connection.close()


def test_a_body_that_stops_is_given_up(serve: Serve) -> None:
    with connect(serve(body_seconds=0.2), SEARCH + "Content-Length: 10000\r\n\r\n{") as connection:
        status, head, _ = everything(connection)
    assert (status, "connection: close" in head) == (408, True)


def test_a_body_that_drips_is_given_up(serve: Serve) -> None:
    """Though no pause in it is long."""
    answers: list[tuple[int, str, bytes]] = []
    with connect(serve(body_seconds=0.5), SEARCH + "Content-Length: 10000\r\n\r\n{") as connection:
        reader = threading.Thread(target=lambda: answers.append(everything(connection)))
        reader.start()
        while not answers:
            try:
                connection.sendall(b"x")
            except OSError:
                break
            time.sleep(0.05)
        reader.join()
    assert answers[0][0] == 408


def test_a_stream_that_stops_keeps_its_whole_lines(serve: Serve, own_shop: Any) -> None:
    port = serve(own_shop.artifacts, body_seconds=0.3)
    line = json.dumps({"id": "whole", "image_base64": "x"}) + "\n"
    head = "POST /items/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
    with connect(port, f"{head}Transfer-Encoding: chunked\r\n\r\n{len(line):x}\r\n{line}\r\n") as connection:
        status, _, body = everything(connection)
    assert status == 200
    assert b'"line":1' in body


@pytest.mark.parametrize("text", ["", "GET /livez HTTP/1.1\r\n", "POST /search HTTP/1.1\r\nX-Slow: a"])
def test_a_head_that_does_not_come_is_given_up(serve: Serve, text: str) -> None:
    """One that never began is hung up on without a word."""
    with connect(serve(header_seconds=0.2), text) as connection:
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received.partition(b"\r\n")[0] == (b"HTTP/1.1 408 Request Timeout" if text else b"")


def test_a_second_head_that_does_not_come_is_given_up(serve: Serve) -> None:
    with connect(serve(header_seconds=0.2), "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        while b"alive" not in connection.recv(4096):
            pass
        time.sleep(0.4)  # an idle connection is no slow one
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert connection.recv(1) == b""


def test_bodies_together_are_bounded(serve: Serve) -> None:
    port = serve(uploads_limit_bytes=300_000, upload_limit_bytes=200_000)
    begun = SEARCH + "Content-Length: 190000\r\n\r\n" + "x" * 180_000
    with connect(port, begun):
        time.sleep(0.2)
        with connect(port, begun) as second:
            received = second.recv(4096)
            while b"overloaded" not in received:
                received += second.recv(4096)
            assert received.startswith(b"HTTP/1.1 503 ")
    assert httpx2.post(f"http://127.0.0.1:{port}/search", files={"file": picture(1)}, timeout=60).status_code == 200


def test_a_key_is_asked_for_before_a_body_is_read(serve: Serve) -> None:
    port = serve(api_keys=(entry("write"),))
    with connect(port, SEARCH + "Content-Length: 1000\r\n\r\n") as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_who_would_wait_for_too_long_is_refused_at_once() -> None:
    async def use() -> None:
        go_on = threading.Event()
        pool = Pool(workers=1, queue=1000, wait_seconds=20)
        for _ in range(40):
            await pool.run(time.sleep, 0.05)  # now it is known how long work takes
        waiting = [asyncio.create_task(pool.run(go_on.wait)) for _ in range(4)]
        await asyncio.sleep(0)
        assert not pool.full
        waiting += [asyncio.create_task(pool.run(go_on.wait)) for _ in range(400)]
        await asyncio.sleep(0)
        assert pool.full
        assert pool.waiting < 400
        with pytest.raises(Refusal, match="overloaded"):
            await pool.run(go_on.wait)
        go_on.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert outcomes.count(True) == len([each for each in outcomes if not isinstance(each, Refusal)]) > 4
        assert not pool.full
        pool.close()

    asyncio.run(use())
