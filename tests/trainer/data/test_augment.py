"""Other looks of a picture: the right size, the same from the same seed, and changed in no other way than is meant."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.marks import examples
from trainer.data.augment import DETAIL_AREA, augment, detail, generator


def ramp(side: int = 64) -> NDArray[np.uint8]:
    """Red grows to the right, green downwards; blue is what brightness is read from."""
    rise = np.linspace(60, 180, side)
    return np.stack(np.broadcast_arrays(rise[None, :], rise[:, None], np.full((side, side), 120.0)), -1).astype(
        np.uint8
    )


@settings(deadline=None, max_examples=examples(200))
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_the_asked_for_size_whatever_the_picture(
    tall: int, wide: int, height: int, width: int, seed: int, erase: float
) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (tall, wide, 3), dtype=np.uint8)
    before = rgb.copy()
    view = augment(rgb, height, width, np.random.default_rng(seed), erase=erase)
    assert (view.shape, view.dtype) == ((height, width, 3), np.uint8)
    np.testing.assert_array_equal(view, augment(rgb, height, width, np.random.default_rng(seed), erase=erase))
    np.testing.assert_array_equal(rgb, before)


def test_crop_flip_brightness_and_contrast() -> None:
    rgb = ramp()
    views = [augment(rgb, 32, 32, np.random.default_rng(seed)).astype(float) for seed in range(300)]
    flipped = [view[:, -1, 0].mean() < view[:, 0, 0].mean() for view in views]
    assert 0.4 < np.mean(flipped) < 0.6
    assert all(view[-1, :, 1].mean() > view[0, :, 1].mean() for view in views)  # never upside down
    levels = np.array([view.mean() / rgb.mean() for view in views])
    spans = np.array([np.ptp(view[..., 1]) for view in views])
    assert levels.min() < 0.8
    assert levels.max() > 1.2
    assert spans.max() > 1.5 * spans.min()
    white = np.full((8, 8, 3), 255, np.uint8)
    assert min(augment(white, 8, 8, np.random.default_rng(seed)).min() for seed in range(50)) > 0.69 * 255


@pytest.mark.parametrize(("area", "least", "most"), [((0.5, 1.0), 0.5, 1.0), (DETAIL_AREA, 0.1, 0.3)])
def test_the_share_of_the_picture_that_is_seen(
    area: tuple[float, float], least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.data.augment._relight", lambda view, *_: view)
    views = [augment(ramp(128), 64, 64, np.random.default_rng(seed), area=area).astype(float) for seed in range(200)]
    areas = [np.ptp(view[..., 0]) * np.ptp(view[..., 1]) / 120**2 for view in views]
    assert least * 0.85 < min(areas) < least + 0.1 * (most - least)
    assert most - 0.2 * (most - least) < max(areas) < most * 1.05


def test_erasing_replaces_a_rectangle_with_noise() -> None:
    rgb = np.full((48, 48, 3), 128, np.uint8)
    erased = []
    for seed in range(300):
        view, plain = (augment(rgb, 48, 48, np.random.default_rng(seed), erase=erase) for erase in (0.5, 0.0))
        changed = (view != plain).any(axis=-1)
        erased.append(changed.any())
        if changed.any():
            rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
            box = changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert box.mean() > 0.9  # one rectangle, of which noise hits the old value by chance
            assert 0.01 < box.size / changed.size < 0.36
            assert view[changed].std() > 40
    assert 0.4 < np.mean(erased) < 0.6
    assert not any(
        (
            augment(rgb, 8, 8, np.random.default_rng(seed)) != augment(rgb, 8, 8, np.random.default_rng(seed), erase=0)
        ).any()
        for seed in range(50)
    )


def test_a_detail_is_always_the_same_small_part() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    one = detail(rgb, 16, 16, 0, "digest")
    np.testing.assert_array_equal(one, detail(rgb, 16, 16, 0, "digest"))
    assert (one != detail(rgb, 16, 16, 0, "digest#2")).any()
    assert (one != detail(rgb, 16, 16, 1, "digest")).any()
    first = augment(rgb, 16, 16, generator(0, "digest"), area=DETAIL_AREA)
    assert (one != first).any()  # not one of the views that are learned from


def test_the_random_numbers_of_a_picture_hang_on_its_content_and_the_seed() -> None:
    first = [generator(seed, key).random() for seed, key in ((0, "ab"), (0, "ab"), (1, "ab"), (0, "abc"), (0, "ba"))]
    assert first[0] == first[1]
    assert len(set(first)) == 4
