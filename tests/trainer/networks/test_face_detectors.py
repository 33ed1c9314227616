"""The face stage with its real models: the same faces as the package `mtcnn`, upright crops, and people found again.

Photographs: scikit-image's astronaut, and the ORL faces where LOOKALIKE_TEST_DATA names the folder they are in.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from retrieval.encoding.embedder import prepare
from retrieval.encoding.encoder import OnnxEncoder
from retrieval.faces.detection import Face, find_faces
from retrieval.faces.haar import Haar
from retrieval.faces.mtcnn import Mtcnn
from retrieval.faces.opener import FaceStage
from retrieval.images import RGB, decode
from tests.support.bundles import png
from tests.support.face_networks import yunet
from trainer.config import CONFIGS, FacesConfig, load_config
from trainer.errors import WeightsError
from trainer.networks.face_detectors import TEMPLATES, face_stage

DATA = os.environ.get("LOOKALIKE_TEST_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="LOOKALIKE_TEST_DATA names no folder with orl_faces in it")


SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def mtcnn_stage() -> FaceStage:
    return face_stage(FacesConfig(detector="mtcnn", template="dlib"))


@pytest.fixture(scope="module")
def mtcnn(mtcnn_stage: FaceStage) -> Mtcnn:
    return Mtcnn(mtcnn_stage.models, "the export", threads=1)


@pytest.fixture(scope="module")
def package() -> Any:
    """The detector whose networks ours are."""
    from mtcnn import MTCNN

    return MTCNN()


@pytest.fixture(scope="module")
def astronaut() -> RGB:
    """512x512; one face, seen from the front, the head slightly tilted."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    photograph: RGB = data.astronaut()
    return photograph


def portraits() -> Iterator[tuple[str, Path]]:
    """Who is on it, and the file: the ORL faces."""
    for path in sorted(Path(DATA or "", "orl_faces").glob("s*/*.pgm")):
        yield path.parent.name, path


def check_same(package: Any, faces: Sequence[Face], rgb: RGB) -> None:
    """As many faces, their boxes and landmarks less than a hundredth of a pixel apart."""
    rows = package.detect_faces(rgb, box_format="xyxy", output_type="numpy", min_face_size=20)
    assert len(rows) == len(faces)
    for row, face in zip(rows, faces, strict=True):
        np.testing.assert_allclose(face.box, row[1:5], atol=0.01)
        assert face.score == pytest.approx(row[5], abs=1e-4)
        assert face.landmarks is not None
        np.testing.assert_allclose(face.landmarks, np.stack([row[6:11], row[11:16]], axis=1), atol=0.01)


@pytest.mark.parametrize("turned", [0, 15, -30, 180])
def test_the_same_faces_as_the_package_on_a_photograph(mtcnn: Mtcnn, package: Any, astronaut: RGB, turned: int) -> None:
    rgb = np.asarray(Image.fromarray(astronaut).rotate(turned, Image.Resampling.BICUBIC))
    check_same(package, mtcnn.detect(rgb, 20), rgb)


@pytest.mark.slow
@needs_data
def test_the_same_faces_as_the_package_on_tight_crops_and_in_a_crowd(mtcnn: Mtcnn, package: Any) -> None:
    pictures = [decode(path.read_bytes()) for _who, path in portraits()][::8]
    for rgb in pictures:
        check_same(package, mtcnn.detect(rgb, 20), rgb)
    crowd = np.concatenate([np.concatenate(pictures[row : row + 8], axis=1) for row in range(0, 48, 8)])
    result = mtcnn.detect(crowd, 20)
    assert len(result) > 40
    check_same(package, result, crowd)


@pytest.mark.parametrize("turned", [20, pytest.param(0, marks=SLOW), pytest.param(-35, marks=SLOW)])
@pytest.mark.parametrize("template", TEMPLATES)
def test_an_aligned_crop_is_upright_and_centred(mtcnn: Mtcnn, astronaut: RGB, turned: int, template: Any) -> None:
    """Landmarks that are found again in the crop lie where the template has them."""
    stage = face_stage(FacesConfig(detector="mtcnn", template=template))
    rgb = np.asarray(Image.fromarray(astronaut).rotate(turned, Image.Resampling.BICUBIC))
    side = 200
    crop = stage.opener("a test", threads=1)(png(rgb), side)
    (face,) = find_faces(mtcnn, crop, 40)
    assert face.landmarks is not None
    expected = np.array(TEMPLATES[template].points) * side / TEMPLATES[template].side
    np.testing.assert_allclose(face.landmarks, expected, atol=0.07 * side)  # no face has the template's proportions
    eyes = face.landmarks[1] - face.landmarks[0]
    assert abs(np.degrees(np.arctan2(eyes[1], eyes[0]))) < 6


def test_both_detectors_find_the_face_of_a_photograph(mtcnn: Mtcnn, astronaut: RGB) -> None:
    haar = Haar(face_stage(FacesConfig(detector="haar")).models["haar"], "OpenCV's")
    for detector in (mtcnn, haar):
        for rgb in (astronaut, astronaut.repeat(4, axis=0).repeat(4, axis=1), astronaut[60:175, 170:280]):
            (face,) = find_faces(detector, rgb, 40)
            scale = 4 if len(rgb) > 512 else 1
            corner = (170, 60) if len(rgb) < 512 else (0, 0)
            middle = (face.box[:2] + face.box[2:]) / 2 / scale + corner
            np.testing.assert_allclose(middle, [224, 115], atol=10)


def test_the_crop_around_an_unaligned_face_is_centred(astronaut: RGB) -> None:
    for config in (FacesConfig(detector="haar"), FacesConfig(detector="mtcnn", align=False)):
        stage = face_stage(config)
        assert stage.spec.template is None
        crop = stage.opener("a test", threads=1)(png(astronaut), 150)
        haar = Haar(face_stage(FacesConfig(detector="haar")).models["haar"], "OpenCV's")
        (face,) = find_faces(haar, crop, 40)
        np.testing.assert_allclose((face.box[:2] + face.box[2:]) / 2, [75, 75], atol=12)


def test_the_set_up_for_faces_is_complete(tmp_path: Path) -> None:
    config = load_config(CONFIGS / "faces.toml")
    assert config.faces is not None
    assert config.faces.align
    assert config.faces.mirror
    assert config.encoder.onnx is not None
    assert config.reduce.dims == 128
    with pytest.raises(WeightsError, match="The detector yunet has no file"):
        face_stage(config.faces)
    (tmp_path / "yunet.onnx").write_bytes(yunet())
    stage = face_stage(config.faces.model_copy(update={"file": tmp_path / "yunet.onnx"}))
    assert stage.spec.template == TEMPLATES["arcface"]
    assert stage.spec.detector == "yunet"
    assert stage.models == {"yunet": yunet()}


@needs_data
@pytest.mark.parametrize("turned", [0, 20, -35])
def test_faces_by_yunet_are_aligned_as_sface_learnt_them(astronaut: RGB, turned: int) -> None:
    """The crop is the one of OpenCV's own SFace pipeline, and the same face gives the same embedding."""
    weights = Path(DATA or "", "..", "weights")
    config = load_config(CONFIGS / "faces.toml")
    assert config.faces is not None
    file = weights / "face_detection_yunet_2023mar.onnx"
    opener = face_stage(config.faces.model_copy(update={"file": file})).opener("a test", threads=1)
    rgb = np.asarray(Image.fromarray(astronaut).rotate(turned, Image.Resampling.BICUBIC))
    crop = opener(png(rgb), 112)
    (face,) = opener.faces(png(rgb))
    assert face.landmarks is not None
    recognizer = cv2.FaceRecognizerSF.create(str(weights / "face_recognition_sface_2021dec.onnx"), "")
    row = np.array([*face.box[:2], *(face.box[2:] - face.box[:2]), *face.landmarks.ravel(), face.score], np.float32)
    theirs = recognizer.alignCrop(rgb[:, :, ::-1].copy(), row[None])
    ours, expected = (recognizer.feature(each)[0].copy() for each in (crop[:, :, ::-1].copy(), theirs))
    assert ours @ expected / np.linalg.norm(ours) / np.linalg.norm(expected) > 0.97


def scores(embeddings: NDArray[np.float32], labels: NDArray[np.str_]) -> tuple[float, float]:
    """Recall@1 and mAP, each picture searched among all others by cosine."""
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    likeness = units @ units.T
    np.fill_diagonal(likeness, -np.inf)
    same = labels[np.argsort(-likeness, axis=1)[:, :-1]] == labels[:, None]
    precision = np.cumsum(same, axis=1) / np.arange(1, same.shape[1] + 1)
    return float(same[:, 0].mean()), float(((precision * same).sum(axis=1) / same.sum(axis=1)).mean())


@pytest.mark.slow
@needs_data
def test_people_are_found_again_by_their_aligned_faces(mtcnn_stage: FaceStage) -> None:
    model = Path(DATA or "", "..", "weights", "dlib_face_resnet_v1.onnx")
    encoder = OnnxEncoder(model.read_bytes(), str(model))
    labels = np.array([who for who, _path in portraits()])

    def embedded(**opener: Any) -> NDArray[np.float32]:
        pictures = (path.read_bytes() for _who, path in portraits())
        prepared = np.stack([prepare(data, encoder.height, encoder.width, **opener) for data in pictures])
        return np.concatenate([encoder.encode(prepared[start : start + 40]) for start in range(0, len(prepared), 40)])

    recall, precision = scores(embedded(), labels)
    assert recall == pytest.approx(0.9725, abs=0.005)
    assert precision == pytest.approx(0.743, abs=0.005)
    recall, precision = scores(embedded(opener=mtcnn_stage.opener("a test")), labels)
    assert recall >= 0.995
    assert precision >= 0.99
