"""Encoding together: everybody gets their own, nobody waits for nobody, and an error is that of all who shared it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from api.serving import batch_encoder, snapshot
from api.serving.batch_encoder import TOGETHER, TogetherEncoder, gain
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue
from retrieval.pictures import open_pictures
from retrieval.vectors.stores import EmbeddedStores
from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import picture


class Slow:
    """Embeds a picture as its first pixel, and holds every run until it may go on."""

    height = width = 4
    dims = 3

    def __init__(self) -> None:
        self.go_on = threading.Semaphore(0)
        self.runs: list[int] = []

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.runs.append(len(images))
        self.go_on.acquire()
        if (images == 255).any():
            raise ValueError("a picture that cannot be encoded")
        return images[:, 0, 0, :].astype(np.float32)


def images(*values: int) -> NDArray[np.uint8]:
    return np.array(values, np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)


def wait_until(encoder: TogetherEncoder, waiting: int) -> None:
    while len(encoder._waiting) < waiting:
        time.sleep(0.001)


def test_those_who_come_during_a_run_share_the_next_one_and_get_their_own() -> None:
    slow = Slow()
    encoder = TogetherEncoder(slow, most=6)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(encoder.encode, images(1))
        while not slow.runs:
            time.sleep(0.001)
        others = []
        for number, values in enumerate(((2, 3), (4,), (5, 6, 7), (8,), (9, 10))):
            others.append((values, pool.submit(encoder.encode, images(*values))))
            wait_until(encoder, number + 1)
        for _run in range(3):
            slow.go_on.release()
        assert first.result().tolist() == [[1.0, 1.0, 1.0]]
        for values, future in others:
            assert future.result()[:, 0].tolist() == list(values)
    assert slow.runs == [1, 6, 3], "no more than fit, in the order in which they came"


def test_more_pictures_than_a_run_should_have_go_alone() -> None:
    slow = Slow()
    slow.go_on.release()
    assert TogetherEncoder(slow, most=2).encode(images(1, 2, 3)).shape == (3, 3)
    assert slow.runs == [3]


def test_an_error_is_told_to_all_who_shared_the_run_and_the_next_one_goes_on() -> None:
    slow = Slow()
    encoder = TogetherEncoder(slow)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(encoder.encode, images(1))
        while not slow.runs:
            time.sleep(0.001)
        shared = [pool.submit(encoder.encode, images(value)) for value in (2, 255)]
        wait_until(encoder, 2)
        for _run in range(3):
            slow.go_on.release()
        assert first.result().shape == (1, 3)
        for future in shared:
            with pytest.raises(ValueError, match="cannot be encoded"):
                future.result()
        assert pool.submit(encoder.encode, images(3)).result()[0, 0] == 3


def test_answers_are_the_same_together_and_alone(shop: Shop, open_api: OpenApi) -> None:
    alone = open_api(artifacts=shop.artifacts, batching="off", query_cache_size=0)
    together = open_api(artifacts=shop.artifacts, batching="on", query_cache_size=0)
    queries = [picture(800 + number) for number in range(24)]

    def hits(data: bytes) -> list[tuple[str, float]]:
        return [(hit["id"], hit["cosine"]) for hit in together.post("/search", files={"file": data}).json()["hits"]]

    with ThreadPoolExecutor(8) as pool:
        for data, hits_found in zip(queries, pool.map(hits, queries), strict=True):
            expected = alone.post("/search", files={"file": data}).json()["hits"]
            assert [name for name, _ in hits_found] == [hit["id"] for hit in expected]
            assert [cosine for _, cosine in hits_found] == pytest.approx([hit["cosine"] for hit in expected], abs=1e-6)


class Counted:
    """Takes as long for a run as for one picture, or as long for each: a card, and a busy core."""

    height = width = 4
    dims = 3

    def __init__(self, *, each: bool) -> None:
        self._each = each
        self._core = threading.Lock()
        self._seconds = 0.0

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self._core:
            self._seconds += 0.005 * (len(images) if self._each else 1)
        return np.zeros((len(images), 3), np.float32)

    def clock(self) -> float:
        """Seconds that were spent in runs: a clock that no busy machine disturbs."""
        return self._seconds


@pytest.mark.parametrize(("each", "expected"), [(False, 4), (True, 1)], ids=["a card", "a busy core"])
def test_the_gain_tells_a_card_from_a_busy_core(each: bool, expected: float, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Counted(each=each)
    monkeypatch.setattr(batch_encoder, "perf_counter", encoder.clock)
    assert gain(encoder, 4) == pytest.approx(expected)


def test_batching_is_off_unless_it_is_faster(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(bundles.catalogue_url(shop.artifacts))
    for measured, expected in ((1.1, False), (1.2, True)):
        monkeypatch.setattr(snapshot, "gain", lambda *_, measured=measured: measured)
        opened = snapshot.Snapshot.open(
            Settings(artifacts=shop.artifacts, workers=2),
            "tiny",
            catalogue,
            open_pictures(shop.artifacts),
            EmbeddedStores(shop.artifacts),
        )
        assert isinstance(opened.queries.encoder, TogetherEncoder) == expected
        assert opened.together == (TOGETHER if expected else 1)
        opened.close()
    catalogue.close()
