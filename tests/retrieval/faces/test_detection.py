"""How detectors are asked, with one that knows the answer: it finds white pixels, each a face around itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.faces import detection
from retrieval.faces.detection import Face, find_faces
from retrieval.images import RGB


class Spots:
    """Finds the blobs brighter than 200 of pictures of at least `least` pixels, and notes what it was asked."""

    def __init__(self, least: int = 0) -> None:
        self.least = least
        self.asked: list[tuple[tuple[int, int], float]] = []

    def detect(self, rgb: RGB, min_size: float) -> list[Face]:
        self.asked.append((rgb.shape[:2], min_size))
        y, x = np.nonzero(rgb[:, :, 0] > 200)
        if not len(x) or min(rgb.shape[:2]) < self.least:
            return []
        box = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], np.float64)
        return [Face(box, 1.0, np.tile(box[:2], (5, 1)))]


def picture(height: int, width: int, *, left: int, top: int, side: int) -> RGB:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[top : top + side, left : left + side] = 255
    return rgb


def test_a_picture_of_usual_size_is_given_as_it_is() -> None:
    spots = Spots()
    rgb = picture(300, 400, left=100, top=50, side=60)
    (face,) = find_faces(spots, rgb, 40)
    np.testing.assert_array_equal(face.box, [100, 50, 160, 110])
    assert spots.asked == [((300, 400), 40)]


def test_a_large_picture_is_made_smaller_and_faces_are_told_in_its_own_pixels() -> None:
    spots = Spots()
    (face,) = find_faces(spots, picture(1600, 6400, left=3200, top=400, side=800), 80)
    assert spots.asked == [((400, 1600), 20)]
    np.testing.assert_allclose(face.box, [3200, 400, 4000, 1200], atol=8)
    assert face.landmarks is not None
    np.testing.assert_allclose(face.landmarks, np.tile([3200, 400], (5, 1)), atol=8)


def test_a_picture_without_faces_is_looked_at_again_framed_and_enlarged() -> None:
    spots = Spots(least=200)
    (face,) = find_faces(spots, picture(112, 92, left=20, top=30, side=40), 40)
    (_, _), (framed, min_size) = spots.asked
    assert min(framed) == detection.TIGHT_SIDE
    assert min_size == pytest.approx(40 * detection.TIGHT_SIDE / (92 + 2 * 28))
    np.testing.assert_allclose(face.box, [20, 30, 60, 70], atol=1)


def test_a_face_in_the_frame_itself_is_none() -> None:
    """The frame repeats the outermost pixels, which here make a bright stripe."""
    rgb = np.zeros((300, 300, 3), np.uint8)
    rgb[0, 100:200] = 255

    class Stripes(Spots):
        def detect(self, rgb: RGB, min_size: float) -> list[Face]:
            return super().detect(rgb, min_size) if rgb.shape[0] > 300 else []

    assert find_faces(Stripes(), rgb, 40) == []


class Listed:
    """Finds what it was told, in pictures that are large enough to hold it."""

    def __init__(self, *sides: float) -> None:
        self.faces = [Face(np.array([0, 0, side, side], np.float64), 1.0) for side in sides]

    def detect(self, rgb: RGB, min_size: float) -> list[Face]:
        return [face for face in self.faces if min_size**2 <= face.area <= rgb.size]


@given(st.lists(st.floats(12, 200), min_size=1, max_size=9))
def test_the_largest_comes_first(sides: list[float]) -> None:
    result = find_faces(Listed(*sides), np.zeros((300, 300, 3), np.uint8), 12)
    assert [face.area for face in result] == sorted((side * side for side in sides), reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3000, 1), (2, 7)])
def test_any_shape_can_be_asked(shape: tuple[int, int]) -> None:
    spots = Spots()
    find_faces(spots, np.zeros((*shape, 3), np.uint8), 40)
    assert all(max(size) <= detection.DETECTION_SIDE for size, _ in spots.asked)
