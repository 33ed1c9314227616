"""SIGKILL at random moments while four writers add and delete: what was acknowledged is there after the restart.

Nothing is half there: every item has its picture and its vector, no vector and no picture is without an item, and what
was deleted is in the bin. And
nothing is there twice, though what was not acknowledged is sent again with its key.
"""

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import httpx2
import numpy as np
import pytest

from tests.conftest import ROOT, environment, free_port
from tests.support.bundles import picture, pieces, write_artifacts
from tests.support.marks import kills_of

pytestmark = pytest.mark.crash

WRITERS = 4
MAX_ITEMS = 20  # of one writer
SHOP = pieces(12)


@dataclass
class Writer:
    """One that adds and deletes its own items, and remembers what it was told."""

    number: int
    items: dict[str, bytes] = field(default_factory=dict)
    """Acknowledged, by id."""
    deleted: dict[str, bytes] = field(default_factory=dict)
    """Acknowledged, so in the bin."""
    added: int = 0
    unsure: tuple[str, str, bytes] | None = None
    """A request without an answer: its method, its item and that item's picture."""

    def write(self, address: str, random: np.random.Generator, stop: threading.Event) -> None:
        """Until the server is gone, or all is to stop."""
        with httpx2.Client(base_url=address, timeout=60) as client:
            try:
                while not stop.is_set():
                    if self.items and random.random() < len(self.items) / MAX_ITEMS:
                        self.delete(client, str(random.choice(sorted(self.items))))
                    else:
                        self.added += 1
                        name = f"{self.number}/{self.added} ü"
                        self.add(client, name, picture(self.number * 1_000_000 + self.added))
            except httpx2.TransportError:
                return

    def add(self, client: httpx2.Client, name: str, data: bytes) -> None:
        self.unsure = "add", name, data
        body = {"id": name, "image_base64": base64.b64encode(data).decode(), "label": str(self.number)}
        answer = client.post("/items", json=body, headers={"Idempotency-Key": f"{self.number}-{self.added}"})
        assert answer.status_code == 201, answer.text
        self.items[name] = data
        self.unsure = None

    def delete(self, client: httpx2.Client, name: str) -> None:
        self.unsure = "delete", name, self.items.pop(name)
        answer = client.delete(f"/item?id={name.replace('/', '%2F')}")
        assert answer.status_code == 204, answer.text
        self.deleted[name] = self.unsure[2]
        self.unsure = None

    def settle(self, client: httpx2.Client, held: set[str]) -> None:
        """See what became of the request without an answer, and send it again."""
        if self.unsure is None:
            return
        method, name, data = self.unsure
        if method == "add":
            self.add(client, name, data)
        elif name in held:
            self.items[name] = data
            self.delete(client, name)
        else:
            self.deleted[name] = data
        self.unsure = None


class Server:
    """`python -m api` in a process of its own, ready."""

    def __init__(self, artifacts: Path) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        settings = {
            "LOOKALIKE_ARTIFACTS": str(artifacts),
            "LOOKALIKE_API_PORT": str(port),
            "LOOKALIKE_ONNX_THREADS": "1",
        }
        self.process = subprocess.Popen([sys.executable, "-m", "api"], cwd=ROOT, env=environment(**settings))
        while True:
            try:
                if httpx2.get(f"{self.address}/readyz", timeout=60).status_code == 200:
                    return
            except httpx2.TransportError:
                if self.process.poll() is not None:
                    raise RuntimeError("python -m api stopped while starting") from None
            time.sleep(0.02)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def listed(client: httpx2.Client) -> list[str]:
    ids: list[str] = []
    link = "/items?limit=50"
    while link:
        answer = client.get(link).json()
        ids += [item["id"] for item in answer["items"]]
        link = answer["next"]
    assert answer["total"] == len(ids)
    return ids


def searched(client: httpx2.Client) -> list[str]:
    """The ids of all hits there are."""
    ids: list[str] = []
    link, body = "/search", {"id": SHOP[0].id, "k": 100, "include_query": True, "probes": "all"}
    answer = client.post("/search", json=body).json()
    while True:
        assert answer["exact"]
        ids += [hit["id"] for hit in answer["hits"]]
        link = answer["next"]
        if link is None:
            assert answer["items"] == len(ids)  # no vector is without an item
            return ids
        answer = client.get(link).json()


def bin_ids(client: httpx2.Client) -> list[str]:
    """The ids of what is in the bin."""
    ids: list[str] = []
    link = "/bin?limit=50"
    while link:
        answer = client.get(link).json()
        ids += [entry["id"] for entry in answer["entries"]]
        link = answer["next"]
    return ids


def empty_bin(client: httpx2.Client) -> None:
    assert client.delete("/bin").status_code == 200


def check(
    client: httpx2.Client, artifacts: Path, expected: dict[str, bytes], deleted: dict[str, bytes] | None = None
) -> None:
    """Rows, vectors and pictures are those of these items, each once; what was deleted is in the bin, each once."""
    deleted = deleted or {}
    assert sorted(bin_ids(client)) == sorted(deleted)
    held = {piece.id: piece.data for piece in SHOP} | expected
    assert sorted(listed(client)) == sorted(searched(client)) == sorted(held)
    for name, data in expected.items():
        assert client.get(f"/item/image?id={name.replace('/', '%2F')}").content == data
    for name in np.random.default_rng(len(held)).permutation(sorted(expected))[:3].tolist():
        fields = {"metric": "euclidean", "k": "1"}
        hit = client.post("/search", files={"file": expected[name]}, data=fields).json()["hits"][0]
        assert (hit["id"], hit["euclidean"]) == (name, pytest.approx(0, abs=1e-4))
    digests = {sha256(data).hexdigest() for data in (*expected.values(), *deleted.values())}
    for _ in range(1000):  # left-overs are swept beside the first searches
        files = {path.name.partition(".")[0] for path in (artifacts / "images").rglob("*.jpg")}
        if files == digests:
            break
        time.sleep(0.02)
    assert files == digests


@pytest.mark.parametrize("kills", [5, pytest.param(kills_of(200), marks=pytest.mark.slow, id="many")])
def test_what_was_acknowledged_outlives_any_kill(tmp_path: Path, kills: int) -> None:
    write_artifacts(tmp_path, SHOP)
    writers = [Writer(number) for number in range(WRITERS)]
    server = Server(tmp_path)
    unanswered = acknowledged = 0
    try:
        for round_ in range(kills):
            stop = threading.Event()
            threads = [
                threading.Thread(
                    target=writer.write, args=(server.address, np.random.default_rng((round_, writer.number)), stop)
                )
                for writer in writers
            ]
            before = sum(writer.added for writer in writers)
            for thread in threads:
                thread.start()
            time.sleep(np.random.default_rng(round_).uniform(0.1, 1.0))
            server.kill()
            stop.set()
            for thread in threads:
                thread.join()
            unanswered += sum(writer.unsure is not None for writer in writers)
            acknowledged += sum(writer.added for writer in writers) - before
            server = Server(tmp_path)
            with httpx2.Client(base_url=server.address, timeout=60) as client:
                held = set(listed(client))
                sure = {name for writer in writers for name in writer.items}
                unsure = {writer.unsure[1] for writer in writers if writer.unsure}
                assert sure <= held
                assert held - sure - {piece.id for piece in SHOP} <= unsure
                check(client, tmp_path, *after_restart(writers, held))
                for writer in writers:
                    writer.settle(client, held)
                check(client, tmp_path, *after_restart(writers, sure | unsure))
                empty_bin(client)
                for writer in writers:
                    writer.deleted.clear()
    finally:
        server.kill()
    assert acknowledged > kills
    assert unanswered > kills / 2  # they were hit while they were at it


def after_restart(writers: list[Writer], held: set[str]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Which items there are, and which are in the bin, where these ids are held."""
    items = {name: data for writer in writers for name, data in writer.items.items()}
    deleted = {name: data for writer in writers for name, data in writer.deleted.items()}
    for method, name, data in (writer.unsure for writer in writers if writer.unsure):
        if name in held:
            items[name] = data
        elif method == "delete":
            deleted[name] = data
    return items, deleted
