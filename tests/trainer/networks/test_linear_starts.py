"""Where a linear head starts from: the closed forms, one for each candidate."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from retrieval.encoding.projection import unit
from trainer.config import HeadConfig
from trainer.networks.closed_form import Candidate, ClosedForm, label_means, linear_starts, scatter, whitened_directions
from trainer.networks.feature_rows import FeatureRows

WIDTH = 12
LABELS = np.repeat(np.arange(5), 6)
FEATURES: Any = np.random.default_rng(0).normal(size=(30, 3, WIDTH)).astype(np.float32) * np.linspace(3, 1, WIDTH)


def config(**changes: Any) -> HeadConfig:
    return HeadConfig(**{"dims": (4,), "shrinkage": (0.1, 0.3), "general": (0.0,), **changes})


def starts(features: Any, alike: Any, config: HeadConfig, seed: int) -> dict[Candidate, Any]:
    """From features [n, views, e] of pictures that are alike as `alike` [n] says."""
    views = features.shape[1]
    rows = FeatureRows(features, np.arange(len(features)), tuple(range(views)))
    return linear_starts(rows, np.repeat(alike, views), config, seed)


def test_a_kernel_for_each_shrinkage_and_each_number_of_dims() -> None:
    kernels = starts(FEATURES, LABELS, config(dims=(8, 3)), seed=0)
    assert set(kernels) == {(shrinkage, dims, 0.0) for shrinkage in (0.1, 0.3) for dims in (3, 8)}
    rows, labels = FEATURES.reshape(-1, WIDTH), np.repeat(LABELS, 3)
    for (shrinkage, dims, _general), kernel in kernels.items():
        wanted = whitened_directions(*scatter(rows, labels), shrinkage=shrinkage, dims=dims)
        assert kernel.dtype == np.float32
        np.testing.assert_allclose(np.abs(kernel), np.abs(wanted), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("general", [0.2, 0.7])
def test_a_blend_is_two_heads_side_by_side_that_share_the_squared_length(general: float) -> None:
    rows, labels = FEATURES.reshape(-1, WIDTH), np.repeat(LABELS, 3)
    settings = config(dims=(8,), shrinkage=(0.1,), general=(general,), general_dims=6, general_shrinkage=0.8)
    ((candidate, kernel),) = starts(FEATURES, LABELS, settings, seed=0).items()
    assert candidate == (0.1, 8, general)
    parts = kernel[:, :4], kernel[:, 4:]  # five labels span four directions
    for part, shrinkage, dims, share in zip(parts, (0.1, 0.8), (4, 6), (1 - general, general), strict=True):
        alone = whitened_directions(*scatter(rows, labels), shrinkage=shrinkage, dims=dims)
        assert part.shape == (WIDTH, dims)
        scaled = alone * np.linalg.norm(part) / np.linalg.norm(alone)
        np.testing.assert_allclose(np.abs(part), np.abs(scaled), rtol=1e-3, atol=1e-5)
        centred = (rows - rows.mean(axis=0)) @ part
        assert np.square(centred).sum(axis=1).mean() == pytest.approx(share, rel=1e-3)


def test_of_very_many_features_the_directions_of_largest_variance_are_enough() -> None:
    few = np.random.default_rng(1).normal(size=(60, 8)) * np.arange(8, 0, -1)
    labels = np.repeat(np.arange(6), 10)
    wide = (few @ np.linalg.qr(np.random.default_rng(2).normal(size=(40, 8)))[0].T).astype(np.float32)
    narrow, whole = (ClosedForm(wide, labels, max_width=width, subspace=8) for width in (39, 40))
    assert (narrow.width, whole.width) == (8, 40)
    cosines = [
        unit(wide @ form.directions(0.3, 4)) for form in (narrow, ClosedForm(few.astype(np.float32), labels))[:1]
    ]
    plain = unit(few.astype(np.float32) @ ClosedForm(few.astype(np.float32), labels).directions(0.3, 4))
    np.testing.assert_allclose(cosines[0] @ cosines[0].T, plain @ plain.T, atol=1e-3)


@pytest.mark.parametrize("init", ["lda", "pca", "random"])
def test_no_more_dims_than_features_have(init: str) -> None:
    kernels = starts(FEATURES, LABELS, config(init=init, dims=(4, 64, 2048), shrinkage=(0.1,)), seed=0)
    assert sorted(candidate.dims for candidate in kernels) == [4, WIDTH]
    assert {kernel.shape for kernel in kernels.values()} == {(WIDTH, 4), (WIDTH, WIDTH)}


def test_pca_is_the_directions_of_largest_variance() -> None:
    (kernel,) = starts(FEATURES, LABELS, config(init="pca"), seed=0).values()
    axes = PCA(4).fit(FEATURES.reshape(-1, WIDTH)).components_
    np.testing.assert_allclose(np.abs(axes @ kernel), np.eye(4), atol=1e-4)


def test_random_directions_stand_at_right_angles_and_follow_the_seed() -> None:
    kernels = [starts(FEATURES, LABELS, config(init="random"), seed=seed)[Candidate(0.0, 4)] for seed in (0, 0, 1)]
    np.testing.assert_allclose(kernels[0].T @ kernels[0], np.eye(4), atol=1e-5)
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 0.1


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(0, 99))
def test_a_label_starts_from_the_mean_direction_of_its_pictures(numbers: list[int], seed: int) -> None:
    rows = np.array([sorted(set(numbers)).index(number) for number in numbers])
    embeddings = np.random.default_rng(seed).normal(size=(len(rows), 4)).astype(np.float32)
    result = label_means(embeddings, rows)
    assert result.shape == (rows.max() + 1, 4)
    for label, direction in enumerate(result):
        total = np.zeros(4)
        for row in np.flatnonzero(rows == label):
            total += embeddings[row] / np.sqrt((embeddings[row] ** 2).sum())
        np.testing.assert_allclose(direction, total / np.sqrt((total**2).sum()), atol=1e-4)
