"""Searches through codes of one byte a number answer as those through the vectors do, and are as certain."""

from contextlib import closing
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.clusters import Clusters, Vectors, direction_of
from retrieval.errors import VectorStoreError
from retrieval.vectors.base import Metric, Probes
from retrieval.vectors.codes import Codes
from retrieval.vectors.embedded import compaction, generations
from retrieval.vectors.stores import EmbeddedStores
from tests.retrieval.vectors.brute_force import check
from tests.retrieval.vectors.conftest import Build
from tests.retrieval.vectors.scenes import Scene, named, scenes
from tests.support.marks import examples

METRICS: tuple[Metric, ...] = get_args(Metric)
CLUSTERS = Clusters(np.random.default_rng(6).standard_normal((5, 8), dtype=np.float32))
VECTORS = np.random.default_rng(7).standard_normal((60, 8), dtype=np.float32)
IDS = [f"picture {row}" for row in range(60)]


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 100), st.sampled_from(["auto", "all", 1, 4]), st.data())
def test_codes_change_no_answer(
    build: Build, scene: Scene, metric: Metric, k: int, probes: Probes, data: st.DataObject
) -> None:
    clusters, vectors, query = scene
    left_out = data.draw(st.sets(st.sampled_from([*named(vectors), "unknown"])))
    coded = build(clusters, vectors, codes="int8").search(query, k=k, metric=metric, probes=probes, exclude=left_out)
    plain = build(clusters, vectors).search(query, k=k, metric=metric, probes=probes, exclude=left_out)
    kept = {item: vector for item, vector in named(vectors).items() if item not in left_out}
    check(coded, query, kept, k, metric)
    if plain.exact:
        assert coded.ids == plain.ids
        assert coded.exact or isinstance(probes, int)


@settings(max_examples=examples(100), deadline=None)
@given(scenes())
def test_no_vector_is_farther_from_its_code_than_is_said(scene: Scene) -> None:
    _, vectors, query = scene
    codes = Codes.of(vectors)
    decoded = codes.grid[0].astype(np.float64) + codes.grid[1].astype(np.float64) * codes.numbers
    assert (np.linalg.norm(decoded - vectors, axis=1) <= codes.error).all()
    direction, _ = direction_of(query)
    products = codes.products(slice(0, len(vectors)), direction)
    truth = vectors.astype(np.float64) @ direction.astype(np.float64)
    assert (np.abs(products - truth) <= 1.001 * codes.error).all()


@pytest.fixture
def stores(tmp_path: Path) -> EmbeddedStores:
    made = EmbeddedStores(tmp_path)
    made.create("b", CLUSTERS, ids=IDS[:40], vectors=VECTORS[:40], codes="int8")
    return made


def nearest(stores: EmbeddedStores, query: Vectors) -> tuple[str, ...]:
    with closing(stores.open("b", CLUSTERS)) as store:
        return store.search(query, k=3, metric="euclidean").ids


def test_codes_outlive_a_new_block_and_later_vectors_are_found_without(
    stores: EmbeddedStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(stores.open("b", CLUSTERS)) as store:
        store.upsert(IDS[40:], VECTORS[40:])
        before = store.search(VECTORS[50], k=3, metric="euclidean").ids
    assert before[0] == IDS[50]
    monkeypatch.setattr(compaction, "MIN_CHANGES", 10)
    assert nearest(stores, VECTORS[50]) == before
    (path,) = generations.block_paths(stores.artifacts / "vectors" / "b.sqlite")
    assert path.name == "b.2.safetensors"
    assert generations.open_block(stores.artifacts / "vectors" / "b.sqlite", CLUSTERS, 2).kind == "int8"
    stores.verify("b")


def test_a_changed_code_is_found_by_verify(stores: EmbeddedStores) -> None:
    (path,) = generations.block_paths(stores.artifacts / "vectors" / "b.sqlite")
    data = bytearray(path.read_bytes())
    block = generations.open_block(stores.artifacts / "vectors" / "b.sqlite", CLUSTERS, 1)
    assert block.codes is not None
    data[data.index(block.codes.numbers.tobytes())] ^= 1
    path.write_bytes(data)
    with pytest.raises(VectorStoreError, match="has changed"):
        stores.verify("b")
