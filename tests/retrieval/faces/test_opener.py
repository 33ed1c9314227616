"""From bytes to crops: which faces, how cut, and what happens without any; with a detector of known answers."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.encoding.embedder import prepare
from retrieval.errors import BundleDamaged, FaceMissing
from retrieval.faces import opener as opener_module
from retrieval.faces.detection import Face
from retrieval.faces.opener import FaceOpener, FaceStage
from retrieval.faces.spec import FaceSpec, Template
from retrieval.images import RGB, decode
from tests.support.bundles import face_stage, png, portrait

COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}
TEMPLATE = Template(side=100, points=((30, 40), (70, 40), (50, 60), (35, 80), (65, 80)))


PICTURE = np.zeros((200, 300, 3), np.uint8)
PICTURE[20:60, 20:60] = COLOURS["red"]
PICTURE[50:150, 150:250] = COLOURS["blue"]


class Known:
    """Finds these faces, and none in an even picture."""

    def __init__(self, *faces: Face) -> None:
        self.faces = faces

    def detect(self, rgb: RGB, min_size: float) -> list[Face]:
        return [face for face in self.faces if rgb.std() > 0 and face.area >= min_size**2]


def face(box: tuple[float, float, float, float], landmarks: NDArray[np.float64] | None = None) -> Face:
    return Face(np.array(box), 1.0, landmarks)


RED, BLUE = face((20, 20, 60, 60)), face((150, 50, 250, 150))


def spec(**changes: Any) -> FaceSpec:
    fields = {"detector": "haar", "min_size": 40, "margin": 0, "template": None, "which": "largest", "missing": "skip"}
    return FaceSpec.model_validate(fields | changes)


def test_the_largest_face_is_opened_as_a_square_of_the_side_that_is_wanted() -> None:
    opened = FaceOpener(spec(), Known(RED, BLUE))(png(PICTURE), 32)
    assert opened.shape == (32, 32, 3)
    np.testing.assert_allclose(opened[2:-2, 2:-2], np.broadcast_to(COLOURS["blue"], (28, 28, 3)), atol=8)


def test_a_margin_is_left_around_it() -> None:
    opened = FaceOpener(spec(margin=0.5), Known(BLUE))(png(PICTURE), 100)
    blue = (opened == COLOURS["blue"]).all(axis=2)
    assert blue.mean() == pytest.approx(0.25, abs=0.03)
    assert blue[30:70, 30:70].all()


def test_one_or_all_crops_as_asked_the_largest_first() -> None:
    largest = FaceOpener(spec(), Known(RED, BLUE))
    every = FaceOpener(spec(which="all"), Known(RED, BLUE))
    data = png(PICTURE)
    assert (largest.count(data), every.count(data)) == (1, 2)
    np.testing.assert_array_equal(largest.crops(data, 24), [every(data, 24)])
    blue, red = every.crops(data, 24)
    np.testing.assert_array_equal([blue[12, 12], red[12, 12]], [COLOURS["blue"], COLOURS["red"]])


@pytest.mark.parametrize("degrees", [0, 25, -60])
@pytest.mark.parametrize("size", [0.5, 1.7])
def test_landmarks_are_brought_onto_the_template(degrees: float, size: float) -> None:
    """A face whose left eye is red and right eye blue, turned and scaled, comes out with the eyes in their places."""
    angle = np.radians(degrees)
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (np.array(TEMPLATE.points) - 50) @ turn.T + [150, 100]
    rgb = np.zeros((200, 300, 3), np.uint8)
    y, x = np.mgrid[:200, :300]
    for place, colour in zip(landmarks, COLOURS.values(), strict=False):
        rgb[(x - place[0]) ** 2 + (y - place[1]) ** 2 < (6 * size) ** 2] = colour
    result = face((100, 50, 200, 150), landmarks)
    opened = FaceOpener(spec(template=TEMPLATE), Known(result))(png(rgb), 200)
    for place, colour in zip(TEMPLATE.points, COLOURS.values(), strict=False):
        rows, columns = np.nonzero(opened[:, :, np.argmax(colour)] > 127)
        np.testing.assert_allclose([columns.mean(), rows.mean()], 2 * np.array(place) + 0.5, atol=1)


def test_without_a_face_a_picture_is_refused_or_used_whole() -> None:
    data = png(np.full((50, 80, 3), 90, np.uint8))
    with pytest.raises(FaceMissing, match="no face of at least 40 pixels was found; use a picture"):
        FaceOpener(spec(), Known())(data, 32)
    opener = FaceOpener(spec(missing="whole"), Known())
    np.testing.assert_array_equal(opener(data, 32), decode(data))
    assert opener.count(data) == len(opener.crops(data, 32)) == 1


def test_the_encoder_gets_the_crop_in_its_own_size() -> None:
    assert prepare(png(PICTURE), 24, 48, FaceOpener(spec(), Known(RED))).shape == (24, 48, 3)


def test_faces_of_the_last_pictures_are_remembered_and_those_before_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Known):
        looks = 0

        def detect(self, rgb: RGB, min_size: float) -> list[Face]:
            self.looks += 1
            return super().detect(rgb, min_size)

    monkeypatch.setattr(opener_module, "MEMORY", 5)
    detector = Counting(RED, BLUE)
    opener = FaceOpener(spec(which="all"), detector)
    pictures = [png(np.roll(PICTURE, shift, axis=2)) for shift in range(3)]
    for data in [*pictures[:2], *pictures[:2]]:
        assert (opener.count(data), len(opener.crops(data, 24)), len(opener.faces(data))) == (2, 2, 2)
    assert detector.looks == 2
    opener.count(pictures[2])  # six faces are more than five: the first picture's are forgotten
    opener.count(pictures[1])
    assert detector.looks == 3
    opener.count(pictures[0])
    assert detector.looks == 4


def test_threads_share_a_haar_opener() -> None:
    opener = face_stage().opener("a test")
    pictures = [png(decode(portrait(seed)).repeat(8, axis=0).repeat(8, axis=1)[:, seed:]) for seed in range(12)]
    alone = [opener(data, 32) for data in pictures]
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(list(pool.map(lambda data: opener(data, 32), pictures * 3)), alone * 3)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no XML",
        "<opencv_storage/>",
        '<?xml version="1.0"?>\n<opencv_storage><settings><size>1</size></settings></opencv_storage>',
    ],
    ids=["empty", "no XML", "no entry", "another kind"],
)
def test_what_is_no_cascade_is_refused(content: str) -> None:
    with pytest.raises(BundleDamaged, match="the file is not a cascade"):
        FaceStage(spec(), {"haar": content.encode()}).opener("the file")
