"""How good a face is to compare by: its size, its blur, and how far it is turned away."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.faces.alignment import square, warp
from retrieval.faces.detection import Face
from retrieval.images import RGB

SIDE = 112
"""Side of the crop, in pixels, that blur is measured on: what encoders see. A small face is blurred in it."""
WINDOW = 9  # pixels: of the filter that blurs once more, as its authors chose
LEVEL = 0.5  # of the way from the eyes to the mouth, where the tip of the nose of a level face is
DIGITS = 3

FACE_SIZE, FACE_BLUR, FACE_POSE = "face_size", "face_blur", "face_pose"
QUALITY_ATTRIBUTES = (FACE_SIZE, FACE_BLUR, FACE_POSE)
"""The attributes of an item that tell the quality of its face."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """`size` in pixels, the square root of the box's area. `blur` from 0, sharp, to 1.

    `pose` from 0, seen from the front, to 1, seen from the side, from above or from below; None without landmarks.
    """

    size: float
    blur: float
    pose: float | None

    def attributes(self) -> Mapping[str, float]:
        """By QUALITY_ATTRIBUTES, rounded; without a pose where there is none."""
        values = {FACE_SIZE: round(self.size), FACE_BLUR: round(self.blur, DIGITS)}
        return values if self.pose is None else values | {FACE_POSE: round(self.pose, DIGITS)}


def quality_of(rgb: RGB, face: Face) -> FaceQuality:
    """The quality of a face of this picture."""
    crop = warp(rgb, square(face.box, 0, SIDE), SIDE)
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float64)
    pose = None if face.landmarks is None else pose_of(face.landmarks)
    return FaceQuality(float(np.sqrt(max(0.0, face.area))), blur_of(grey), pose)


def blur_of(grey: NDArray[np.float64]) -> float:
    """How much of a picture's detail stays when it is blurred once more, 0..1; an even picture is blurred.

    Crete, Dolmiere, Ladret and Nicolas 2007, "The blur effect: perception and estimation with a new no-reference
    perceptual blur metric", SPIE 6492. The larger of both directions.
    """
    shares = []
    for axis, kernel in ((0, (1, WINDOW)), (1, (WINDOW, 1))):
        blurred = cv2.blur(grey, kernel, borderType=cv2.BORDER_REFLECT)
        sharp_steps, blurred_steps = (np.abs(np.diff(values, axis=axis)) for values in (grey, blurred))
        total = float(sharp_steps.sum())
        lost_detail = float(np.maximum(0, sharp_steps - blurred_steps).sum())
        shares.append((total - lost_detail) / total if total > 0 else 1.0)
    return max(shares)


def pose_of(landmarks: NDArray[np.float64]) -> float:
    """How far a face is turned or tilted away, 0..1, from the place of its nose between eyes and mouth.

    `landmarks` as in Face. Turning sideways moves the tip of the nose towards one eye, nodding moves it towards the
    eyes or the mouth. A head that leans to its shoulder is not turned away: crops are made upright.
    """
    left, right, nose, *mouth = landmarks
    across, down = right - left, np.mean(mouth, axis=0) - (left + right) / 2
    width, height = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    if width == 0 or height == 0:
        return 1.0
    sideways = abs(float((nose - (left + right) / 2) @ across)) / (width**2 / 2)
    nodding = abs(float((nose - (left + right) / 2) @ down) / height**2 - LEVEL) / LEVEL
    return min(1.0, max(sideways, nodding))
