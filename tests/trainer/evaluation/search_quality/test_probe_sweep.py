"""The ladder of probes, against the recall of one query at a time."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.clusters import Clusters, Metric, Reach
from retrieval.vectors.embedded.store import EmbeddedStore
from retrieval.vectors.rounds import FIRST_ROUND
from trainer.evaluation.results import LadderRow
from trainer.evaluation.search_quality import probe_sweep
from trainer.evaluation.search_quality.probe_sweep import probe_counts, sweep_probes

Vectors = NDArray[np.float32]


def vectors(count: int, seed: int = 0) -> Vectors:
    """In groups, so that clusters are worth opening; some twice."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(12, 6))
    rows = (centres[rng.integers(12, size=count)] + 0.5 * rng.normal(size=(count, 6))).astype(np.float32)
    rows[-count // 10 :] = rows[: len(rows[-count // 10 :])]
    return rows


def opened(tmp_path: Path, rows: Vectors, clusters: Clusters) -> EmbeddedStore:
    ids = [f"item {n}" for n in range(len(rows))]
    EmbeddedStore.create(tmp_path / "v.sqlite", clusters, bundle="b", ids=ids, vectors=rows)
    return EmbeddedStore.open(tmp_path / "v.sqlite", clusters, bundle="b", auto_probes=2)


def exact(query: Vectors, rows: Vectors, metric: Metric) -> NDArray[np.float64]:
    point, others = query.astype(np.float64), rows.astype(np.float64)
    if metric == "euclidean":
        return np.asarray(np.linalg.norm(others - point, axis=1))
    return np.asarray(1 - others @ point / np.linalg.norm(others, axis=1) / np.linalg.norm(point))


def recall(query: Vectors, own: int, rows: Vectors, clusters: Clusters, probes: int, metric: Metric) -> float:
    """The share of the exact ten nearest that lie in the clusters nearest to the query, whichever of equals."""
    distances = exact(query, rows, metric)
    distances[own] = np.inf
    tenth = np.sort(distances)[9] + 1e-6
    first = np.argsort(exact(query, clusters.centroids, metric), kind="stable")[:probes]
    there = np.isin(clusters.assign(rows), first)
    return min(10, int((there & (distances <= tenth)).sum())) / 10


def test_every_rung_finds_what_lies_in_the_clusters_it_opens(tmp_path: Path) -> None:
    rows = vectors(300)
    clusters = Clusters(rows[:20].copy())
    store = opened(tmp_path, rows, clusters)
    queries = rows[:60]
    result = sweep_probes(store, 20, queries, [f"item {n}" for n in range(60)])
    store.close()
    assert [row.probes for row in result] == [1, 2, 4, 8, 16, "all", "auto", "brute force", "kd-tree"] * 2
    for row in result:
        assert 0 < row.milliseconds_p50 <= row.milliseconds_p95
        if isinstance(row.probes, int):
            wanted = [recall(q, own, rows, clusters, row.probes, row.metric) for own, q in enumerate(queries)]
            assert row.recall_at_10 >= np.mean(wanted) - 1e-9, row
            if row.probes <= FIRST_ROUND:  # later, clusters that cannot hold a hit are passed over for others
                assert row.recall_at_10 == pytest.approx(np.mean(wanted)), row
            assert row.clusters_opened_mean is not None
            assert row.clusters_opened_mean <= row.probes
        else:
            assert row.recall_at_10 == 1, row
    for metric in get_args(Metric):
        by_name = {row.probes: row for row in result if row.metric == metric}
        assert by_name["all"].clusters_opened_mean == 20
        assert by_name["auto"].clusters_opened_mean is not None
        assert by_name["auto"].clusters_opened_mean < 20  # certified before
        assert by_name[1].recall_at_10 < 0.9
        assert by_name["kd-tree"].clusters_opened_mean is by_name["brute force"].clusters_opened_mean is None


def test_queries_that_are_no_items_leave_nothing_out(tmp_path: Path) -> None:
    rows = vectors(50)
    store = opened(tmp_path, rows, Clusters(rows[:4].copy()))
    result = sweep_probes(store, 4, vectors(9, seed=3), [None, "not here", *[None] * 7])
    store.close()
    assert {row.recall_at_10 for row in result if not isinstance(row.probes, int)} == {1.0}


def test_many_queries_are_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = vectors(30)
    store = opened(tmp_path, rows, Clusters(rows[:4].copy()))
    monkeypatch.setattr(probe_sweep, "MAX_QUERIES", 4)
    query_batches: list[Vectors] = []
    search = store.search

    def watched(query: Vectors, **options: Any) -> object:
        query_batches.append(query)
        return search(query, **options)

    monkeypatch.setattr(store, "search", watched)
    sweep_probes(store, 4, rows, [None] * 30)
    store.close()
    np.testing.assert_array_equal(np.unique(query_batches, axis=0), np.unique(rows[::8], axis=0))


@pytest.mark.parametrize("count", [1, 2, 11])
def test_few_vectors(tmp_path: Path, count: int) -> None:
    rows = vectors(40)[:count]
    store = opened(tmp_path, rows, Clusters(rows[:1].copy()))
    result = sweep_probes(store, 1, rows, [f"item {n}" for n in range(count)])
    store.close()
    assert all(isinstance(row, LadderRow) and row.recall_at_10 == 1 for row in result)
    assert len(result) == (0 if count < 2 else 8)


def test_nothing_is_found_out_without_queries(tmp_path: Path) -> None:
    rows = vectors(20)
    store = opened(tmp_path, rows, Clusters(rows[:2].copy()))
    assert sweep_probes(store, 2, rows[:0], []) == ()
    store.close()


@pytest.mark.parametrize(("clusters", "wanted"), [(1, []), (2, [1]), (3, [1, 2]), (8, [1, 2, 4]), (9, [1, 2, 4, 8])])
def test_the_rungs(clusters: int, wanted: list[int]) -> None:
    assert probe_counts(clusters) == [*wanted, "all", "auto"]


def test_the_fewest_probes_reach_the_recall_that_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = vectors(300)
    clusters = Clusters(rows[:20].copy())
    assigned = clusters.assign(rows)
    fewest = probe_sweep.fewest_probes(Reach.nowhere(clusters).widened(rows, assigned), rows, assigned, 0)
    assert 1 < fewest < 20
    store = opened(tmp_path, rows, clusters)
    monkeypatch.setattr(probe_sweep, "probe_counts", lambda _clusters: [1, fewest, "all"])
    result = sweep_probes(store, 20, rows, [f"item {n}" for n in range(300)])
    store.close()
    assert min(row.recall_at_10 for row in result if row.probes == fewest) >= probe_sweep.RECALL
    assert min(row.recall_at_10 for row in result if row.probes == 1) < probe_sweep.RECALL
