"""YOLOv8-face: a network of the same format with known answers, letterboxing against an oracle, files that are none."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import BundleDamaged
from retrieval.faces.yolo import GREY, Yolo, letterbox
from retrieval.images import RGB
from tests.support.face_networks import FACE, LANDMARKS, yolo, yunet
from tests.support.marks import examples


@pytest.fixture(scope="module")
def detector() -> Yolo:
    """Takes 160 x 320 pixels (height, width)."""
    return Yolo(yolo(), "a test", threads=1)


def red(height: int, width: int, *places: tuple[int, int, int]) -> RGB:
    """A dark picture with red squares: left, top, side."""
    rgb = np.zeros((height, width, 3), np.uint8)
    for left, top, side in places:
        rgb[top : top + side, left : left + side, 0] = 255
    return rgb


def test_boxes_and_landmarks_are_those_of_the_network(detector: Yolo) -> None:
    for face, middle in zip(
        sorted(detector.detect(red(160, 320, (80, 48, 8), (240, 104, 8)), 10), key=lambda face: face.box[0]),
        ((84, 52), (244, 108)),
        strict=True,
    ):
        np.testing.assert_allclose(face.box, [*np.subtract(middle, FACE / 2), *np.add(middle, FACE / 2)], atol=0.01)
        assert face.landmarks is not None
        np.testing.assert_allclose(face.landmarks, np.add(LANDMARKS, middle), atol=0.01)
        assert face.score == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("height", "width"), [(320, 320), (320, 1280), (480, 960)])
def test_places_are_told_in_the_pixels_of_the_picture(detector: Yolo, height: int, width: int) -> None:
    """A face in the middle, whatever is grey around it."""
    scale = min(160 / height, 320 / width)
    side = round(8 / scale)
    (face,) = detector.detect(red(height, width, (width // 2, height // 2, side)), 10)
    middle = np.array([width, height]) / 2 + side / 2
    np.testing.assert_allclose((face.box[:2] + face.box[2:]) / 2, middle, atol=0.5 / scale)
    assert face.area == pytest.approx((FACE / scale) ** 2)
    assert face.landmarks is not None
    np.testing.assert_allclose(face.landmarks, middle + np.array(LANDMARKS) / scale, atol=0.5 / scale)


def test_channels_are_red_green_blue_and_neighbours_are_one_face(detector: Yolo) -> None:
    assert len(detector.detect(red(160, 320, (80, 48, 16)), 10)) == 1
    assert detector.detect(red(160, 320, (80, 48, 16))[:, :, ::-1].copy(), 10) == []


def test_only_faces_that_are_large_enough(detector: Yolo) -> None:
    rgb = red(320, 640, (160, 96, 16))
    assert len(detector.detect(rgb, 2 * FACE)) == 1
    assert detector.detect(rgb, 2 * FACE + 1) == []


@settings(max_examples=examples(80), deadline=None)
@given(
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)), target=st.tuples(st.integers(8, 64), st.integers(8, 64))
)
def test_a_picture_is_framed_whole_in_the_middle_of_grey(shape: tuple[int, int], target: tuple[int, int]) -> None:
    """The oracle: every pixel of the frame whose middle lies in the picture is white, every other one is grey."""
    framed, scale, (left, top) = letterbox(np.full((*shape, 3), 255, np.uint8), *target)
    assert framed.shape == (*target, 3)
    for y in range(target[0]):
        for x in range(target[1]):
            inside_x = left <= x < left + max(1, round(shape[1] * scale))
            inside_y = top <= y < top + max(1, round(shape[0] * scale))
            assert framed[y, x].tolist() == [255 if inside_x and inside_y else GREY] * 3
    height, width = shape
    assert max(height * scale / target[0], width * scale / target[1]) == pytest.approx(1)
    rest = np.array([target[1], target[0]]) - np.maximum(1, np.round(np.array([width, height]) * scale))
    assert np.abs(np.array([left, top]) - rest / 2).max() <= 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1)])
def test_any_shape_can_be_asked(detector: Yolo, shape: tuple[int, int]) -> None:
    assert detector.detect(np.zeros((*shape, 3), np.uint8), 10) == []


def test_threads_share_a_detector(detector: Yolo) -> None:
    pictures = [red(160, 320, (80 + 8 * n, 48, 8)) for n in range(8)] * 4
    with ThreadPoolExecutor(4) as pool:
        boxes = list(pool.map(lambda rgb: detector.detect(rgb, 10)[0].box, pictures))
    np.testing.assert_array_equal(boxes, [detector.detect(rgb, 10)[0].box for rgb in pictures])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a model that ONNX Runtime can load"),
        (yunet(), "is not a YOLOv8-face network: it has 1 inputs and 12 outputs"),
        (yolo(rows=8), r"its output is \[1, 8, 800\]"),
        (yolo(8, 4096), r"its input is \[1, 3, 8, 4096\]"),
    ],
    ids=["empty", "another detector", "another head", "huge"],
)
def test_what_is_no_such_network_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(BundleDamaged, match=f"the file.*{words}"):
        Yolo(content, "the file")
