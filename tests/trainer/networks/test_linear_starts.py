"""Where a linear head starts from: the closed forms, one for each candidate."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from trainer.config import HeadConfig
from trainer.networks.closed_form import Candidate, label_means, linear_starts, scatter, whitened_directions

WIDTH = 12
LABELS = np.repeat(np.arange(5), 6)
FEATURES: Any = np.random.default_rng(0).normal(size=(30, 3, WIDTH)).astype(np.float32) * np.linspace(3, 1, WIDTH)


def config(**changes: Any) -> HeadConfig:
    return HeadConfig(**{"dims": (4,), "shrinkage": (0.1, 0.3), **changes})


def test_a_kernel_for_each_shrinkage_and_each_number_of_dims() -> None:
    kernels = linear_starts(FEATURES, LABELS, config(dims=(8, 3)), seed=0)
    assert set(kernels) == {(shrinkage, dims) for shrinkage in (0.1, 0.3) for dims in (3, 8)}
    rows, labels = FEATURES.reshape(-1, WIDTH), np.repeat(LABELS, 3)
    for (shrinkage, dims), kernel in kernels.items():
        wanted = whitened_directions(*scatter(rows, labels), shrinkage=shrinkage, dims=dims)
        assert kernel.dtype == np.float32
        np.testing.assert_allclose(np.abs(kernel), np.abs(wanted), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("init", ["lda", "pca", "random"])
def test_no_more_dims_than_features_have(init: str) -> None:
    kernels = linear_starts(FEATURES, LABELS, config(init=init, dims=(4, 64, 2048), shrinkage=(0.1,)), seed=0)
    assert sorted(candidate.dims for candidate in kernels) == [4, WIDTH]
    assert {kernel.shape for kernel in kernels.values()} == {(WIDTH, 4), (WIDTH, WIDTH)}


def test_pca_is_the_directions_of_largest_variance() -> None:
    (kernel,) = linear_starts(FEATURES, LABELS, config(init="pca"), seed=0).values()
    axes = PCA(4).fit(FEATURES.reshape(-1, WIDTH)).components_
    np.testing.assert_allclose(np.abs(axes @ kernel), np.eye(4), atol=1e-4)


def test_random_directions_stand_at_right_angles_and_follow_the_seed() -> None:
    kernels = [
        linear_starts(FEATURES, LABELS, config(init="random"), seed=seed)[Candidate(0.0, 4)] for seed in (0, 0, 1)
    ]
    np.testing.assert_allclose(kernels[0].T @ kernels[0], np.eye(4), atol=1e-5)
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 0.1


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(0, 99))
def test_a_label_starts_from_the_mean_direction_of_its_pictures(numbers: list[int], seed: int) -> None:
    rows = np.array([sorted(set(numbers)).index(number) for number in numbers])
    embeddings = np.random.default_rng(seed).normal(size=(len(rows), 4)).astype(np.float32)
    found = label_means(embeddings, rows)
    assert found.shape == (rows.max() + 1, 4)
    for label, direction in enumerate(found):
        total = np.zeros(4)
        for row in np.flatnonzero(rows == label):
            total += embeddings[row] / np.sqrt((embeddings[row] ** 2).sum())
        np.testing.assert_allclose(direction, total / np.sqrt((total**2).sum()), atol=1e-4)
