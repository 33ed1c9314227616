"""Another model goes live while requests are answered: none fails, and each is answered by one bundle alone."""

import itertools
import shutil
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval import bundle as bundles
from retrieval.clusters import Vectors
from tests.api.conftest import Serve
from tests.support.bundles import picture, pieces, write_artifacts

pytestmark = pytest.mark.crash

MODELS = {"one": 7, "two": 8, "three": 9}
QUERIES = [picture(5000 + number) for number in range(4)]
SHOP = pieces(40)
CLIENTS = 4
K = 10


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts with three bundles that rank the same pictures differently; the first is published."""
    artifacts = tmp_path_factory.mktemp("swaps") / "artifacts"
    for bundle_id, seed in MODELS.items():
        write_artifacts(artifacts, SHOP, bundle_id=bundle_id, seed=seed, publish=bundle_id == "one")
    return artifacts


@pytest.fixture
def artifacts(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "artifacts")


def oracle(artifacts: Path) -> dict[str, list[list[str]]]:
    """The best K ids for each query by each bundle: all cosines, computed and sorted."""
    expected = {}
    for bundle_id in MODELS:
        embedder = bundles.load(bundles.bundle_path(artifacts, bundle_id)).embedder
        items = embedder.embed([embedder.prepare(piece.data) for piece in SHOP]).astype(np.float64)
        queries = embedder.embed([embedder.prepare(data) for data in QUERIES]).astype(np.float64)
        expected[bundle_id] = [ranking(items, query) for query in queries]
    return expected


def ranking(items: NDArray[Any], query: Vectors) -> list[str]:
    cosines = items @ query / (np.linalg.norm(items, axis=1) * np.linalg.norm(query))
    return [SHOP[row].id for row in np.argsort(-cosines)[:K]]


def requests(address: str, stop: threading.Event) -> Iterator[tuple[int, httpx2.Response]]:
    """Searches with one query after the other, until told to stop."""
    with httpx2.Client(base_url=address, timeout=60) as client:
        for number in itertools.cycle(range(len(QUERIES))):
            if stop.is_set():
                return
            yield number, client.post("/search", files={"file": QUERIES[number]}, data={"k": str(K)})


def check_load(address: str, stop: threading.Event, expected: Mapping[str, list[list[str]]]) -> list[str]:
    """Which bundle answered, search by search, each of them checked."""
    answered = []
    for number, response in requests(address, stop):
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["exact"]
        assert [hit["id"] for hit in answer["hits"]] == expected[answer["bundle"]][number], answer["bundle"]
        answered.append(answer["bundle"])
    return answered


@pytest.mark.parametrize("swaps", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_swaps_under_load_fail_nobody_and_mix_nothing(artifacts: Path, serve: Serve, swaps: int) -> None:
    expected = oracle(artifacts)
    for number in range(len(QUERIES)):
        assert len({tuple(rankings[number]) for rankings in expected.values()}) == len(MODELS), "told apart"
    address = f"http://127.0.0.1:{serve(artifacts, workers=2)}"
    stop = threading.Event()
    order = list(itertools.islice(itertools.cycle(["two", "three", "one"]), swaps))
    with ThreadPoolExecutor(CLIENTS) as clients:
        loads = [clients.submit(check_load, address, stop, expected) for _ in range(CLIENTS)]
        try:
            for bundle_id in order:
                activated = httpx2.post(f"{address}/bundles/{bundle_id}/activate", timeout=60)
                assert (activated.status_code, activated.json()["live"]) == (200, True), activated.text
                answer = httpx2.post(f"{address}/search", files={"file": QUERIES[0]}, data={"k": str(K)}).json()
                assert answer["bundle"] == bundle_id, "the first answer after it was said to be live"
                assert [hit["id"] for hit in answer["hits"]] == expected[bundle_id][0]
        finally:
            stop.set()
        answered = [bundle_id for load in loads for bundle_id in load.result()]
    assert set(answered) == set(MODELS)
    assert bundles.current(artifacts) == order[-1]
