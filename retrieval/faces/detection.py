"""What a detector gives, and how it is asked: in pictures of bounded size, and twice where a face fills all of it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.images import RGB, resize

DETECTION_SIDE = 1600
"""Longest side that a detector is given, in pixels: what bounds the time and memory of one picture."""
TIGHT_SIDE = 256
"""Shorter side of a framed picture, in pixels, if it was smaller: both detectors see little in smaller ones."""
FRAME = 0.25
"""What the second look adds on each side, as a share of the longer one."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face. `box` is left, top, right, bottom in pixels, float64 [4]; `score` grows with certainty.

    `landmarks` float64 [5, 2], (x, y) in pixels: the eye at the left of the picture, the other one, the tip of the
    nose, the corner of the mouth at the left, the other one. None from a detector that finds none.
    """

    box: NDArray[np.float64]
    score: float
    landmarks: NDArray[np.float64] | None = None

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        left, top, right, bottom = self.box
        return float((right - left) * (bottom - top))

    def is_within(self, width: int, height: int) -> bool:
        """Whether the middle of its box is in a picture of that size: the rest may be cut off."""
        left, top, right, bottom = self.box
        return bool(0 <= left + right < 2 * width and 0 <= top + bottom < 2 * height)

    def moved(self, scale: float, shift: float) -> "Face":
        """The same face in a picture that is so many times as large, after it was shifted right and down."""
        landmarks = None if self.landmarks is None else (self.landmarks + shift) * scale
        return Face((self.box + shift) * scale, self.score, landmarks)


class Detector(Protocol):
    """What finds faces; safe to call from several threads."""

    def detect(self, rgb: RGB, min_size: float) -> list[Face]:
        """All faces of at least `min_size` pixels in uint8 [height, width, 3], in no particular order."""
        ...


def find_faces(detector: Detector, rgb: RGB, min_size: float) -> list[Face]:
    """The faces of a picture, largest first. `min_size` in its own pixels.

    A crop that a face fills from edge to edge is not what detectors have learnt. So a picture in which none was found
    is looked at again with a border, which repeats its outermost pixels, and enlarged if it is small.
    """
    scale = min(1.0, DETECTION_SIDE / max(rgb.shape[:2]))
    faces = [face.moved(1 / scale, 0) for face in detector.detect(_scaled(rgb, scale), min_size * scale)]
    return sorted(faces or _second_look(detector, rgb, min_size), key=lambda face: face.area, reverse=True)


def _second_look(detector: Detector, rgb: RGB, min_size: float) -> list[Face]:
    height, width = rgb.shape[:2]
    border = round(FRAME * max(height, width))
    framed = np.pad(rgb, ((border, border), (border, border), (0, 0)), mode="edge")
    scale = min(max(1.0, TIGHT_SIDE / min(framed.shape[:2])), DETECTION_SIDE / max(framed.shape[:2]))
    faces = [
        face.moved(1 / scale, -border * scale) for face in detector.detect(_scaled(framed, scale), min_size * scale)
    ]
    return [face for face in faces if face.is_within(width, height)]


def _scaled(rgb: RGB, scale: float) -> RGB:
    height, width = rgb.shape[:2]
    return resize(rgb, max(1, round(height * scale)), max(1, round(width * scale)))
