"""What an encoder is given of a picture: all of it, its centre square, or both."""

import numpy as np
import pytest

from retrieval.encoding.embedder import prepare
from retrieval.images import RGB, Fit, arrange, arranged_side, centre, resize
from tests.support.bundles import picture

WIDE = np.random.default_rng(0).integers(0, 256, (40, 71, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "box"), [((40, 71), (0, 15)), ((71, 40), (15, 0)), ((7, 7), (0, 0)), ((1, 9), (0, 4))]
)
def test_the_centre_is_the_largest_square_in_the_middle(shape: tuple[int, int], box: tuple[int, int]) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    top, left = box
    side = min(shape)
    np.testing.assert_array_equal(centre(rgb), rgb[top : top + side, left : left + side])


def test_whole_centre_and_both() -> None:
    whole, middle = resize(WIDE, 32, 32), resize(WIDE[:, 15:55], 32, 32)
    np.testing.assert_array_equal(arrange(WIDE, 32, 32, "whole"), whole)
    np.testing.assert_array_equal(arrange(WIDE, 32, 32, "centre"), middle)
    np.testing.assert_array_equal(arrange(WIDE, 64, 32, "both"), np.concatenate([whole, middle]))


@pytest.mark.parametrize(("fit", "height"), [("whole", 32), ("centre", 32), ("both", 64)])
def test_a_picture_is_opened_for_the_side_of_one_square(fit: Fit, height: int) -> None:
    sides: list[int] = []

    def opener(data: bytes, side: int) -> RGB:
        sides.append(side)
        return WIDE

    assert prepare(picture(1), height, 32, opener, fit).shape == (height, 32, 3)
    assert sides == [32] == [arranged_side(height, 32, fit)]
