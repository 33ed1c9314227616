"""Pictures whose neighbours disagree with their label, the surest first."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoding.projection import unit
from tests.support.marks import examples
from trainer.data.split import UNLABELLED
from trainer.health import label_errors
from trainer.health.label_errors import nearest_others, suspicious

pytestmark = pytest.mark.quality

DATA = Path(os.environ.get("LOOKALIKE_TEST_DATA", "nowhere"))


def shops(labels: int, each: int, width: int = 24, noise: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    numbers = np.repeat(np.arange(labels), each)
    features = rng.normal(size=(labels, width))[numbers] + rng.normal(0, noise, (labels * each, width))
    return features.astype(np.float32), numbers


def test_flipped_labels_come_first_with_what_they_were() -> None:
    features, truth = shops(12, 20)
    rng = np.random.default_rng(1)
    flipped = rng.choice(len(truth), 12, replace=False)
    noisy_labels = truth.copy()
    noisy_labels[flipped] = (truth[flipped] + rng.integers(1, 12, 12)) % 12
    result = suspicious(features, noisy_labels, 0)
    assert {row for row, _, _ in result[:12]} == set(flipped.tolist())
    assert all(suggested == truth[row] for row, suggested, _ in result[:12])
    confidences = [confidence for _, _, confidence in result]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 < confidence <= 1 for confidence in confidences)


def test_a_label_that_nobody_votes_for_comes_before_one_of_two_that_are_confused() -> None:
    """Two labels in one place, and of a third, which is far away, one picture that lies among them."""
    features, truth = shops(3, 30)
    features[truth == 1] = np.random.default_rng(2).permutation(features[truth == 0])
    features[truth == 1] += np.random.default_rng(3).normal(0, 0.6, (30, 24))
    noisy_labels = truth.copy()
    noisy_labels[0] = 2
    result = suspicious(features, noisy_labels, 0)
    assert result[0][0] == 0
    assert len(result) > 5


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(st.integers(UNLABELLED, 4), max_size=24), st.integers(0, 99))
def test_no_set_of_labels_is_too_small(labels: list[int], seed: int) -> None:
    """Labels of one picture, of two, none at all, and pictures that are all the same."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(len(labels), 6)).round(seed % 3).astype(np.float32)
    for row, suggested, _confidence in suspicious(features, np.array(labels, np.int64), seed):
        assert labels[row] not in (UNLABELLED, suggested)
        assert suggested in labels


@settings(deadline=None, max_examples=examples(60))
@given(st.integers(2, 30), st.integers(1, 6), st.integers(0, 99), st.booleans())
def test_neighbours_are_the_nearest_others(count: int, k: int, seed: int, doubled: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = unit(rng.normal(size=(count, 4)).astype(np.float32))
    rows = np.repeat(rows, 3, axis=0) if doubled else rows
    cosines, result = nearest_others(rows, k)
    for row in range(len(rows)):
        others = np.delete(rows @ rows[row], row)
        wanted = np.sort(others)[::-1][: result.shape[1]]
        assert np.allclose(cosines[row], wanted, atol=1e-6)
        assert row not in result[row]
        assert np.allclose((rows @ rows[row])[result[row]], cosines[row], atol=1e-6)


def test_the_graph_for_very_many_finds_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = unit(np.random.default_rng(0).normal(size=(2000, 16)).astype(np.float32))
    exact = nearest_others(rows, 5)[1]
    monkeypatch.setattr(label_errors, "EXACT_UP_TO", 10)
    result = nearest_others(rows, 5)[1]
    shared = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(exact.tolist(), result.tolist(), strict=True)])
    assert shared > 0.95


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "grocery").is_dir(), reason="LOOKALIKE_TEST_DATA names no folder that holds grocery/")
def test_of_five_percent_flipped_in_grocery_the_first_are_nearly_all(tmp_path: Path) -> None:
    from trainer.config import EncoderConfig
    from trainer.data import features
    from trainer.data.features import Views
    from trainer.networks import encoders
    from trainer.sources.folder import read_folder

    result = features.compute(
        read_folder(DATA / "grocery" / "train").pictures,
        encoders.frozen(EncoderConfig(), mirror=False).onnx,
        views=Views(),
        seed=0,
        cache=tmp_path / "cache.sqlite",
        progress=lambda *_: None,
    )
    names, truth = np.unique([str(o.picture.label) for o in result.files], return_inverse=True)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        flipped = rng.choice(len(truth), round(0.05 * len(truth)), replace=False)
        noisy_labels = truth.copy()
        noisy_labels[flipped] = (truth[flipped] + rng.integers(1, len(names), len(flipped))) % len(names)
        first = {row for row, _, _ in suspicious(result.values[:, 0], noisy_labels, 0)[: len(flipped)]}
        assert len(first & set(flipped.tolist())) >= 0.95 * len(flipped)
