"""What one request and all together may take, over real sockets: TestClient hides chunks and concurrency."""

import asyncio
import json
import logging
import socket
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from api.errors import Refusal
from api.limits import Pool
from api.search import service
from tests.api.conftest import Serve
from tests.support.bundles import picture

LIMIT_BYTES = 100_000


def answer_to(port: int, *parts: bytes) -> tuple[int, dict[str, object]]:
    """Status and problem that come back although the request is not finished."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while b"\r\n\r\n" not in received or not received.endswith(b"}"):
            part = connection.recv(65536)
            assert part, f"hung up after {received!r}"
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def head(framing: str) -> bytes:
    return (
        "POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"{framing}\r\n\r\n"
    ).encode()


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'


def test_a_body_announced_too_large_is_refused_before_it_is_sent(serve: Serve) -> None:
    status, problem = answer_to(serve(upload_limit_bytes=LIMIT_BYTES), head(f"Content-Length: {LIMIT_BYTES + 1}"))
    assert (status, problem["code"]) == (413, "too_many_bytes")


def test_a_body_of_unknown_length_is_refused_as_soon_as_it_is_too_large(serve: Serve) -> None:
    body = PART + bytes(LIMIT_BYTES)
    parts = head("Transfer-Encoding: chunked"), f"{len(body):x}\r\n".encode(), body, b"\r\n"  # and no last chunk
    status, problem = answer_to(serve(upload_limit_bytes=LIMIT_BYTES), *parts)
    assert (status, problem["code"]) == (413, "too_many_bytes")


def test_a_body_of_exactly_the_limit_is_read(serve: Serve) -> None:
    end = b"\r\n--b--\r\n"
    body = PART + bytes(LIMIT_BYTES - len(PART) - len(end)) + end
    port = serve(upload_limit_bytes=LIMIT_BYTES)
    status, problem = answer_to(port, head(f"Content-Length: {LIMIT_BYTES}") + body)
    assert (status, problem["code"]) == (415, "unsupported_format")


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/json", "application/x-ndjson"])
def test_a_client_that_goes_away_while_it_sends_is_no_mistake_of_ours(
    serve: Serve, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.INFO, "api")
    port, path = serve(), "/items/batch" if "ndjson" in kind else "/search"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 9999\r\n\r\n"
        connection.sendall(head.encode() + PART)
    while not (records := [record for record in caplog.records if "went away" in record.getMessage()]):
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
        time.sleep(0.01)
    assert [(record.levelno, record.exc_info) for record in records] == [(logging.INFO, None)]
    operation = "add_items" if "ndjson" in kind else "search"
    counted = f'lookalike_requests_total{{operation="{operation}",status="499"}} 1.0'
    while counted not in httpx2.get(f"http://127.0.0.1:{port}/metrics").text:
        time.sleep(0.01)


def test_a_large_upload_stays_in_memory(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_disk(*_: object) -> None:
        raise OSError("read-only file system")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", no_disk)
    data = picture(1, width=1200, height=1200, format_="BMP")
    answer = httpx2.post(f"http://127.0.0.1:{serve()}/search", files={"file": data})
    assert len(data) > 4_000_000
    assert answer.status_code == 200


def test_a_full_queue_refuses_at_once_and_leaves_the_event_loop_free(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, search_now = threading.Semaphore(0), threading.Event(), service.search

    def slow(*args: Any, **kwargs: Any) -> object:
        begun.release()
        go_on.wait()
        return search_now(*args, **kwargs)

    monkeypatch.setattr(service, "search", slow)
    port = serve(workers=1, queue=1)
    url = f"http://127.0.0.1:{port}"

    def post() -> httpx2.Response:
        return httpx2.post(f"{url}/search", files={"id": (None, "shelf 0/piece-000")}, timeout=60)

    with ThreadPoolExecutor(8) as clients:
        pending = [clients.submit(post) for _ in range(8)]
        try:
            begun.acquire()
            while sum(answer.done() for answer in pending) < 6:
                time.sleep(0.01)
            assert httpx2.get(f"{url}/livez").json() == {"status": "alive"}
            assert httpx2.get(f"{url}/readyz").status_code == 200
            status, problem = answer_to(port, head("Content-Length: 50000"))  # before any of its body is there
            assert (status, problem["code"]) == (503, "overloaded")
        finally:
            go_on.set()
        answers = [answer.result() for answer in pending]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert [answer.status_code for answer in answers].count(200) == 2  # one at work and one in the queue
    assert len(refused) == 6
    assert {answer.json()["code"] for answer in refused} == {"overloaded"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert post().status_code == 200


def test_the_pool_gives_its_places_back_after_failures() -> None:
    def fails() -> None:
        raise ValueError("work that fails")

    async def use() -> None:
        pool = Pool(workers=1, queue=0)
        for _ in range(3):
            with pytest.raises(ValueError, match="work that fails"):
                await pool.run(fails)
        assert await pool.run(threading.current_thread) is not threading.current_thread()
        hold = threading.Event()
        held = asyncio.create_task(pool.run(hold.wait))
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match="overloaded"):
            await pool.run(fails)
        hold.set()
        await held
        pool.close()

    asyncio.run(use())
