"""A search over HTTP against decoding and encoding alone, one at a time and many at once; the API's start and memory.

A picture that was searched with before is answered from the cache of query vectors: it is measured apart.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection
from io import BytesIO
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import requests
from PIL import Image

from benchmarks.setup import ROOT, WORK, grocery, publish, table, trained
from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.vectors.stores import EmbeddedStores
from trainer.bundles import load_current, open_store

ITEMS = 5_000
TURNS = 10  # of either, one after the other, so that noise falls on both
CALLS = 30  # in a turn
WARM_UP = 10  # not counted
CLIENTS = (1, 8, 32)
SEARCHES = 240  # of all clients together
HEADER = (
    "items | decode + ONNX alone | POST /search, new picture | ratio | the same picture again | API start to /readyz | "
    "resident memory"
)
CLIENTS_HEADER = "clients | decode + ONNX alone | POST /search, new pictures | share"


def main(items: int = ITEMS) -> None:
    """A 400x533 JPEG, sent in turn to the encoder and to the API, on a catalogue of so many items."""
    artifacts = filled(trained("demo"), items)
    embedder, pictures = load_current(artifacts).embedder, new_pictures(query_picture())

    def alone() -> None:
        embedder.embed([embedder.prepare(next(pictures))])

    with running(artifacts) as (address, seconds, process):
        connection = Connection(address)
        again = next(pictures)
        by_itself, new, same = [], [], []
        for _turn in range(TURNS):
            by_itself += milliseconds(alone)
            new += milliseconds(lambda: connection.search(next(pictures)))
            same += milliseconds(lambda: connection.search(again))
        rates = [(clients, *throughput(address, alone, pictures, clients)) for clients in CLIENTS]
        memory = process.memory_info().rss / 1e6
    ours, whole, cached = np.median(by_itself), np.median(new), np.median(same)
    row = (f"{items:,}", f"{ours:.1f} ms", f"{whole:.1f} ms", f"{whole / ours:.2f}", f"{cached:.1f} ms")
    text = table(HEADER, [(*row, f"{seconds:.1f} s", f"{memory:.0f} MB")])
    rows = [(clients, f"{own:.0f}/s", f"{api:.0f}/s", f"{api / own:.0%}") for clients, own, api in rates]
    publish("serving", f"{text}\n\n{table(CLIENTS_HEADER, rows)}")


def throughput(address: str, alone: Callable[[], None], pictures: Iterator[bytes], clients: int) -> tuple[float, float]:
    """Pictures in a second: through the encoder by itself, as many threads as cores; and through the API."""
    with ThreadPoolExecutor(min(clients, os.cpu_count() or 1)) as threads:
        own = rate(lambda: [each.result() for each in [threads.submit(alone) for _ in range(SEARCHES)]])
    many = [next(pictures) for _ in range(SEARCHES)]

    def client(number: int) -> None:
        connection = Connection(address)
        for picture in many[number::clients]:
            connection.search(picture)

    with ThreadPoolExecutor(clients) as threads:
        return own, rate(lambda: list(threads.map(client, range(clients))))


def rate(work: Callable[[], object]) -> float:
    """SEARCHES over the seconds they take."""
    began = time.perf_counter()
    work()
    return SEARCHES / (time.perf_counter() - began)


def new_pictures(data: bytes) -> Iterator[bytes]:
    """The same JPEG again and again, each time with another comment in it: no cache knows it."""

    def commented(number: int) -> bytes:
        comment = f"{number:08}".encode()
        return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]

    return map(commented, count())  # which threads may share


def milliseconds(work: Callable[[], object]) -> list[float]:
    """How long each of a run of calls takes, after a few that warm up and let the other process come to rest."""
    times = []
    for _call in range(WARM_UP + CALLS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return times[WARM_UP:]


class Connection:
    """One client, over a connection that stays open."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = HTTPConnection(address.removeprefix("http://"), timeout=120)

    def search(self, data: bytes) -> None:
        """Search with a picture for the default number of hits."""
        while True:
            packed = requests.Request("POST", f"{self._address}/search", files={"file": ("query.jpg", data)}).prepare()
            body = packed.body if isinstance(packed.body, bytes) else b""
            self._connection.request("POST", "/search", body, {"Content-Type": packed.headers["Content-Type"]})
            answer = self._connection.getresponse()
            answer.read()
            if answer.status == HTTPStatus.OK:
                return
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:  # more clients than the API lets wait
                raise RuntimeError(f"the API answered {answer.status}")
            time.sleep(0.02)


SESSION = requests.Session()
SESSION.trust_env = False


def query_picture() -> bytes:
    """A test picture as a phone would send it: JPEG, 400 x 533 pixels."""
    path = next(grocery("test").rglob("*.jpg"))
    buffer = BytesIO()
    Image.open(path).resize((400, 533), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def filled(artifacts: Path, size: int) -> Path:
    """A copy with so many items: each further one is an earlier one, its vector a little moved."""
    target = WORK / "serving"
    shutil.rmtree(target, ignore_errors=True)
    loaded = load_current(artifacts)
    shutil.copytree(artifacts / "bundles" / loaded.manifest.id, target / "bundles" / loaded.manifest.id)
    source, store = Catalogue(bundle.catalogue_url(artifacts)), open_store(artifacts, loaded)
    items = list(source.items())
    vectors = np.stack([store.get(item.id) for item in items])
    source.close()
    store.close()
    rows = np.arange(size) % len(items)
    noise = np.random.default_rng(0).normal(0, 0.01, (size, vectors.shape[1])).astype(np.float32)
    many = [replace(items[row], id=f"{items[row].id}-{number}") for number, row in enumerate(rows)]
    EmbeddedStores(target).create(
        loaded.manifest.id, loaded.clusters, ids=[item.id for item in many], vectors=vectors[rows] + noise
    )
    catalogue = Catalogue(bundle.catalogue_url(target))
    catalogue.replace_source(many)
    catalogue.close()
    bundle.publish(target, loaded.manifest.id)
    return target


@contextmanager
def running(artifacts: Path) -> Iterator[tuple[str, float, psutil.Process]]:
    """The API on a free port: its address, the seconds until it was ready, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"LOOKALIKE_ARTIFACTS": str(artifacts), "LOOKALIKE_API_PORT": str(port)}
    address, began = f"http://127.0.0.1:{port}", time.perf_counter()
    server = subprocess.Popen([sys.executable, "-m", "api"], cwd=ROOT, env=os.environ | settings)
    try:
        while not is_ready(address):
            if server.poll() is not None:
                raise RuntimeError("the API stopped while starting; its last lines above say why")
            time.sleep(0.02)
        yield address, time.perf_counter() - began, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait()


def is_ready(address: str) -> bool:
    """Whether searches are answered."""
    try:
        return SESSION.get(f"{address}/readyz", timeout=60).ok
    except requests.ConnectionError:
        return False
