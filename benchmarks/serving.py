"""A search over HTTP against decoding and encoding alone, how fast the API starts, and the memory it takes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import requests
from PIL import Image

from benchmarks.setup import ROOT, WORK, grocery, publish, table, trained
from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.vectors.stores import VectorStores
from trainer.bundles import load_current, open_store

ITEMS = 5_000
TURNS = 10  # of either, one after the other, so that noise falls on both
CALLS = 30  # in a turn
WARM_UP = 10  # not counted
HEADER = "decode + ONNX alone | POST /search | ratio | API start to /readyz | resident memory"


def main() -> None:
    """One 400x533 JPEG, asked in turn of the encoder and of the API, on a catalogue of 5,000 items."""
    artifacts = five_thousand(trained("demo"))
    data = query_picture()
    embedder = load_current(artifacts).embedder
    with running(artifacts) as (address, seconds, process):
        alone, searched, ask = [], [], asker(address, data)
        for _turn in range(TURNS):
            alone += milliseconds(lambda: embedder.embed([embedder.prepare(data)]))
            searched += milliseconds(ask)
        memory = process.memory_info().rss / 1e6
    ours, whole = np.median(alone), np.median(searched)
    row = (f"{ours:.1f} ms", f"{whole:.1f} ms", f"{whole / ours:.2f}", f"{seconds:.1f} s", f"{memory:.0f} MB")
    publish("serving", table(HEADER, [row]))


def milliseconds(work: Callable[[], object]) -> list[float]:
    """How long each of a run of calls takes, after a few that warm up and let the other process come to rest."""
    times = []
    for _call in range(WARM_UP + CALLS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return times[WARM_UP:]


def asker(address: str, data: bytes) -> Callable[[], None]:
    """One search for the default number of hits; the form is packed once, as that is the client's work."""
    packed = requests.Request("POST", f"{address}/search", files={"file": ("query.jpg", data)}).prepare()
    body, headers = packed.body, {"Content-Type": packed.headers["Content-Type"]}
    if not isinstance(body, bytes):
        raise TypeError("the form was not packed whole")
    connection = HTTPConnection(address.removeprefix("http://"), timeout=30)

    def ask() -> None:
        connection.request("POST", "/search", body, headers)
        answer = connection.getresponse()
        if answer.read() and answer.status != HTTPStatus.OK:
            raise RuntimeError(f"the API answered {answer.status}")

    return ask


SESSION = requests.Session()
SESSION.trust_env = False


def query_picture() -> bytes:
    """A test picture as a phone would send it: JPEG, 400 x 533 pixels."""
    path = next(grocery("test").rglob("*.jpg"))
    buffer = BytesIO()
    Image.open(path).resize((400, 533), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def five_thousand(artifacts: Path) -> Path:
    """A copy whose catalogue is filled up to ITEMS: each further item is an earlier one, its vector a little moved."""
    target = WORK / "serving"
    shutil.rmtree(target, ignore_errors=True)
    loaded = load_current(artifacts)
    shutil.copytree(artifacts / "bundles" / loaded.manifest.id, target / "bundles" / loaded.manifest.id)
    source, store = Catalogue(bundle.catalogue_url(artifacts)), open_store(artifacts, loaded)
    items = list(source.items())
    vectors = np.stack([store.get(item.id) for item in items])
    source.close()
    store.close()
    rows = np.arange(ITEMS) % len(items)
    noise = np.random.default_rng(0).normal(0, 0.01, (ITEMS, vectors.shape[1])).astype(np.float32)
    many = [replace(items[row], id=f"{items[row].id}-{number}") for number, row in enumerate(rows)]
    VectorStores(target).create(
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
        return SESSION.get(f"{address}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False
