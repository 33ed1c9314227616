"""YuNet through OpenCV: a network of the same format with known answers, files that are none, and the real one."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import BundleDamaged
from retrieval.faces.detection import find_faces
from retrieval.faces.yunet import COARSE_SIDE, YuNet
from retrieval.images import RGB, decode
from tests.support.bundles import write_encoder
from tests.support.face_networks import FACE, LANDMARKS, yunet

DATA = os.environ.get("LOOKALIKE_TEST_DATA")
REAL = Path(DATA or "", "..", "weights", "face_detection_yunet_2023mar.onnx")
needs_data = pytest.mark.skipif(DATA is None, reason="LOOKALIKE_TEST_DATA names no folder with weights beside it")


@pytest.fixture(scope="module")
def detector() -> YuNet:
    return YuNet(yunet(), "a test")


def spots(height: int, width: int, *corners: tuple[int, int]) -> RGB:
    """A dark picture with white squares of 8 pixels, by their left and top."""
    rgb = np.zeros((height, width, 3), np.uint8)
    for left, top in corners:
        rgb[top : top + 8, left : left + 8] = 255
    return rgb


def test_boxes_and_landmarks_are_those_of_the_network(detector: YuNet) -> None:
    faces = sorted(detector.detect(spots(200, 300, (80, 48), (240, 136)), 10), key=lambda face: face.box[0])
    for face, middle in zip(faces, ((80, 48), (240, 136)), strict=True):
        np.testing.assert_allclose(face.box, [*np.subtract(middle, FACE / 2), *np.add(middle, FACE / 2)], atol=0.01)
        assert face.landmarks is not None
        np.testing.assert_allclose(face.landmarks, np.add(LANDMARKS, middle), atol=0.01)
        assert face.score == pytest.approx(1)


def test_only_faces_that_are_large_enough(detector: YuNet) -> None:
    rgb = spots(200, 300, (80, 48))
    assert len(detector.detect(rgb, FACE)) == 1
    assert detector.detect(rgb, FACE + 1) == []


def test_a_face_that_is_seen_at_two_scales_is_one(detector: YuNet) -> None:
    rgb = spots(2 * COARSE_SIDE, 2 * COARSE_SIDE, (80, 48))
    rgb[640:656, 640:656] = 255  # fills a cell at half the size, too
    faces = detector.detect(rgb, 10)
    assert len(faces) == len({tuple(face.box.round()) for face in faces})
    middles = [tuple((face.box[:2] + face.box[2:]) / 2) for face in faces]
    assert middles.count((80, 48)) == 1
    assert max(face.area for face in faces) == pytest.approx((2 * FACE) ** 2, rel=0.01)  # seen at half the size alone


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (3, 5)])
def test_any_shape_can_be_asked(detector: YuNet, shape: tuple[int, int]) -> None:
    assert detector.detect(np.zeros((*shape, 3), np.uint8), 10) == []


def test_threads_share_a_detector(detector: YuNet) -> None:
    pictures = [spots(160 + 32 * n, 200, (80, 48 + 8 * n)) for n in range(8)] * 4
    alone = [detector.detect(rgb, 10)[0].box for rgb in pictures]
    with ThreadPoolExecutor(4) as pool:
        boxes = list(pool.map(lambda rgb: detector.detect(rgb, 10)[0].box, pictures))
    np.testing.assert_array_equal(boxes, alone)


def test_what_is_no_yunet_is_refused(tmp_path: Path) -> None:
    write_encoder(tmp_path / "encoder.onnx")
    for content in (b"", b"no network", yunet()[:1000], (tmp_path / "encoder.onnx").read_bytes()):
        with pytest.raises(BundleDamaged, match="the file is not a YuNet network"):
            YuNet(content, "the file")


@needs_data
def test_the_published_network_finds_faces_of_every_size() -> None:
    real = YuNet(REAL.read_bytes(), str(REAL))
    photograph = pytest.importorskip("skimage.data", reason="scikit-image is not installed").astronaut()
    for times in (1, 4):
        (face,) = find_faces(real, photograph.repeat(times, axis=0).repeat(times, axis=1), 40)
        np.testing.assert_allclose((face.box[:2] + face.box[2:]) / 2 / times, [224, 118], atol=6)
    for path in sorted(Path(DATA or "", "orl_faces").glob("s*/1.pgm")):
        assert len(find_faces(real, decode(path.read_bytes()), 40)) == 1, path
