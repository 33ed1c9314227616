"""The closed-form head: what whitening within the labels does to features."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainer.networks import closed_form
from trainer.networks.closed_form import ClosedForm, scatter, whitened_directions

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]


def cloud(seed: int, *, labels: int = 6, each: int = 40, width: int = 10) -> tuple[Rows, Labels]:
    """Features [n, width] of some labels: each a cloud, all of the same skewed shape."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(labels), each)
    centres, (axes, _) = rng.normal(size=(labels, width)) * 3, np.linalg.qr(rng.normal(size=(width, width)))
    shape = rng.uniform(0.3, 3, width)[:, None] * axes
    rows = centres[numbers] + rng.normal(size=(len(numbers), width)) @ shape + 5
    return rows.astype(np.float32), numbers


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_scatter_is_the_covariance_within_and_in_total(seed: int, labels: int) -> None:
    rows, numbers = cloud(seed, labels=labels, each=7, width=4)
    order = np.random.default_rng(seed).permutation(len(rows))
    within, total = scatter(rows[order], numbers[order] * 3 - 2)
    of_each = [np.cov(rows[numbers == label].astype(np.float64).T, bias=True) for label in range(labels)]
    np.testing.assert_allclose(within, np.mean(of_each, axis=0), atol=1e-9)
    np.testing.assert_allclose(total, np.cov(rows.astype(np.float64).T, bias=True), atol=1e-9)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_within_a_label_all_directions_vary_alike_and_the_most_telling_come_first(seed: int) -> None:
    rows, numbers = cloud(seed)
    kernel = whitened_directions(*scatter(rows, numbers), shrinkage=1e-9, dims=rows.shape[1])
    precise: Any = rows.astype(np.float64) @ kernel
    within, total = scatter(precise, numbers)
    np.testing.assert_allclose(within, np.eye(len(within)), atol=2e-2)
    variances = np.diag(total)
    np.testing.assert_allclose(total, np.diag(variances), atol=2e-2 * variances.max())
    assert (np.diff(variances) <= 1e-3 * variances.max()).all()
    # Between six labels lie five directions; the others keep only what varies within a label.
    assert variances[0] > 2
    np.testing.assert_allclose(variances[5:], 1, atol=2e-2)


def test_fewer_directions_are_the_first_of_all_and_may_be_more_than_the_labels() -> None:
    rows, numbers = cloud(0, labels=3)
    covariances = scatter(rows, numbers)
    everything = whitened_directions(*covariances, shrinkage=0.1, dims=10)
    assert everything.shape == (10, 10)
    assert everything.dtype == np.float32
    assert np.linalg.matrix_rank(everything) == 10
    four = whitened_directions(*covariances, shrinkage=0.1, dims=4)
    signs = np.sign((four * everything[:, :4]).sum(axis=0))  # a direction and its opposite are the same
    np.testing.assert_allclose(four * signs, everything[:, :4], rtol=1e-4, atol=1e-6)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, numbers = cloud(0)
    order = np.random.default_rng(0).permutation(len(rows))
    whole = scatter(rows[order], numbers[order])
    monkeypatch.setattr(closed_form, "BLOCK", 7)
    for result, wanted in zip(scatter(rows[order], numbers[order]), whole, strict=True):
        np.testing.assert_allclose(result, wanted, atol=1e-9)


def nearest_shares_label(rows: Rows, labels: Labels) -> float:
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return float((labels[distances.argmin(axis=1)] == labels).mean())


def test_it_tells_labels_apart_that_principal_components_mix_up() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    rows = rng.normal(size=(120, 6)) * [20, 15, 10, 0.1, 0.1, 0.1]  # loud directions that say nothing of the label
    rows[:, 4] += labels % 2
    rows[:, 5] += labels // 2
    features = rows.astype(np.float32)
    centred = features - features.mean(axis=0)
    principal = np.linalg.svd(centred, full_matrices=False)[2][:2]
    kernel = whitened_directions(*scatter(features, labels), shrinkage=1e-6, dims=2)
    assert nearest_shares_label(centred @ principal.T, labels) < 0.5
    assert nearest_shares_label(features @ kernel, labels) == 1.0


def test_shrinkage_keeps_directions_that_look_quiet_by_chance_from_growing_loud() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 3)
    rows = rng.normal(size=(15, 30)).astype(np.float32)  # ten differences within labels in thirty directions
    covariances = scatter(rows, labels)
    loudest = [
        np.linalg.norm(whitened_directions(*covariances, shrinkage=shrinkage, dims=30), axis=0).max()
        for shrinkage in (0.01, 0.1, 0.4)
    ]
    assert loudest[0] > 2 * loudest[1] > 2 * loudest[2] > 0


@pytest.mark.parametrize("shrinkage", [0.02, 0.4])
def test_fewer_pictures_than_features_are_worked_on_in_the_directions_they_span(shrinkage: float) -> None:
    rows, numbers = cloud(0, labels=4, each=6, width=60)
    form = ClosedForm(rows, numbers)
    assert form.width == len(rows) - 1
    kernel = form.directions(shrinkage, 12)
    expected = whitened_directions(*scatter(rows, numbers), shrinkage=shrinkage, dims=12)
    signs = np.sign((kernel * expected).sum(axis=0))
    np.testing.assert_allclose(kernel * signs, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shrinkage", [0.02, 0.4])
def test_labels_of_doubles_alone_give_principal_components(shrinkage: float) -> None:
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(5, 8)).astype(np.float32), 3, axis=0)
    labels = np.repeat(np.arange(5), 3)
    within, total = scatter(rows, labels)
    np.testing.assert_allclose(within, 0, atol=1e-12)
    kernel = whitened_directions(within, total, shrinkage=shrinkage, dims=4)
    assert np.isfinite(kernel).all()
    assert nearest_shares_label(rows @ kernel, labels) == 1.0
    projected = np.cov((rows @ kernel).T, bias=True)
    np.testing.assert_allclose(
        np.diag(projected),
        projected.diagonal()[0] * np.linalg.eigvalsh(total)[::-1][:4] / np.linalg.eigvalsh(total)[-1],
        rtol=1e-2,
    )
