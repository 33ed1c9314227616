"""SIGKILL in the middle of batches and of deletions by filter: no line that was answered is lost, nothing is half done.

A batch is answered as a whole, so a killed one has no answer: each of its items is there whole or not at all, and the
same batch sent again completes it. A deletion by filter is one transaction: all that match are gone, or none.
"""

import base64
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2
import numpy as np
import pytest

from tests.api.serving.test_crashes import SHOP, Server, check, empty_bin, listed
from tests.support.bundles import picture, write_artifacts
from tests.support.marks import kills_of

LINES = 24
SLOW = pytest.mark.slow

pytestmark = pytest.mark.crash


def batch(label: str, pictures: dict[str, bytes]) -> bytes:
    return b"".join(
        json.dumps({"id": name, "label": label, "image_base64": base64.b64encode(data).decode()}).encode() + b"\n"
        for name, data in pictures.items()
    )


def send(client: httpx2.Client, label: str, pictures: dict[str, bytes]) -> list[int]:
    headers = {"Content-Type": "application/x-ndjson"}
    answer = client.post("/items/batch", content=batch(label, pictures), headers=headers)
    return [json.loads(line)["status"] for line in answer.text.splitlines()]


def killed_during(server: Server, seconds: float, work: Callable[[httpx2.Client], object]) -> None:
    """Begin something in a thread, and kill the server after so many seconds."""

    def attempt() -> None:
        try:
            with httpx2.Client(base_url=server.address, timeout=60) as client:
                work(client)
        except httpx2.TransportError:
            return

    thread = threading.Thread(target=attempt)
    thread.start()
    time.sleep(seconds)
    server.kill()
    thread.join()


def send_from(lines: dict[str, bytes], client: httpx2.Client) -> None:
    send(client, "x", lines)


@pytest.mark.parametrize("kills", [1, pytest.param(kills_of(100), marks=SLOW, id="many")])
def test_a_batch_that_was_killed_is_completed_when_it_is_sent_again(tmp_path: Path, kills: int) -> None:
    write_artifacts(tmp_path, SHOP)
    rng = np.random.default_rng(kills)
    server = Server(tmp_path)
    expected: dict[str, bytes] = {}
    try:
        for round_ in range(kills):
            fresh = {f"{round_}/{n}": picture(10_000 * (round_ + 1) + n) for n in range(LINES)}
            killed_during(server, float(rng.uniform(0.02, 0.4)), partial(send_from, fresh))
            server = Server(tmp_path)
            with httpx2.Client(base_url=server.address, timeout=60) as client:
                there = {name: data for name, data in fresh.items() if name in set(listed(client))}
                check(client, tmp_path, expected | there)  # whole, each of them
                statuses = send(client, "x", fresh)
                assert sorted(statuses) == [200] * len(there) + [201] * (LINES - len(there))
                expected = fresh
                delete_all_but(client, fresh)
                check(client, tmp_path, fresh)
    finally:
        server.kill()


def delete_all_but(client: httpx2.Client, kept: dict[str, bytes]) -> None:
    """Delete what earlier rounds have added, so that each round looks at little."""
    for name in set(listed(client)) - set(kept) - {piece.id for piece in SHOP}:
        assert client.delete("/item", params={"id": name}).status_code == 204
    empty_bin(client)


@pytest.mark.parametrize("kills", [1, pytest.param(kills_of(50), marks=SLOW, id="many")])
def test_a_deletion_by_filter_is_done_whole_or_not_at_all(tmp_path: Path, kills: int) -> None:
    write_artifacts(tmp_path, SHOP)
    rng = np.random.default_rng(kills)
    server = Server(tmp_path)
    where = {"filter": json.dumps({"label": "x"})}
    outcomes = set()
    try:
        for round_ in range(kills):
            fresh = {f"{round_}/{n}": picture(10_000 * (round_ + 1) + n) for n in range(LINES)}
            with httpx2.Client(base_url=server.address, timeout=60) as client:
                assert send(client, "x", fresh) == [201] * LINES
            killed_during(server, float(rng.uniform(0, 0.05)), lambda client: client.delete("/items", params=where))
            server = Server(tmp_path)
            with httpx2.Client(base_url=server.address, timeout=60) as client:
                left = set(listed(client)) - {piece.id for piece in SHOP}
                assert left in (set(), set(fresh))
                outcomes.add(len(left))
                check(client, tmp_path, {name: fresh[name] for name in left}, {} if left else fresh)
                assert client.delete("/items", params=where).json()["deleted"] == len(left)
                check(client, tmp_path, {}, fresh)
                empty_bin(client)
                check(client, tmp_path, {})
    finally:
        server.kill()
    assert kills < 50 or outcomes == {0, LINES}  # it was hit before and after
