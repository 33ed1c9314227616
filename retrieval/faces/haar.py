"""The Haar cascade of OpenCV: upright faces from the front, found fast on a CPU; boxes, but no landmarks.

Viola and Jones 2001, "Rapid object detection using a boosted cascade of simple features", CVPR.
"""

import threading

import cv2
import numpy as np

from retrieval.errors import BundleDamaged
from retrieval.faces.detection import Face
from retrieval.images import RGB

PYRAMID = 1.1  # each level is so many times as small as the one before
NEIGHBOURS = 3  # windows that must agree on a face


class Haar:
    """A cascade. Safe to call from several threads: OpenCV's object is not, so each has its own."""

    def __init__(self, cascade: bytes, where: str) -> None:
        """`cascade` is the content of OpenCV's XML file and `where` names it in errors.

        Raises BundleDamaged when it is not a cascade.
        """
        self._xml, self._where = cascade.decode("utf-8", "replace"), where
        self._of_thread = threading.local()
        self._classifier()

    def detect(self, rgb: RGB, min_size: float) -> list[Face]:
        """As Detector says. Nothing smaller than the cascade's own window is found (20 to 24 pixels)."""
        grey = cv2.equalizeHist(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))  # the cascades were trained on such pictures
        least = round(min_size)
        boxes, _counts, scores = self._classifier().detectMultiScale3(
            grey, scaleFactor=PYRAMID, minNeighbors=NEIGHBOURS, minSize=(least, least), outputRejectLevels=True
        )
        return [
            Face(np.array([x, y, x + width, y + height], np.float64), float(score))
            for (x, y, width, height), score in zip(boxes, np.ravel(scores), strict=True)
        ]

    def _classifier(self) -> cv2.CascadeClassifier:
        if not hasattr(self._of_thread, "classifier"):
            self._of_thread.classifier = _parse(self._xml, self._where)
        classifier: cv2.CascadeClassifier = self._of_thread.classifier
        return classifier


def _parse(xml: str, where: str) -> cv2.CascadeClassifier:
    classifier = cv2.CascadeClassifier()
    try:
        storage = cv2.FileStorage(xml, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        usable = classifier.read(storage.getFirstTopLevelNode())
    except (cv2.error, SystemError) as error:  # the latter is what OpenCV's parser raises
        raise BundleDamaged(f"{where} is not a cascade that OpenCV can read: {error}") from error
    if not usable:
        raise BundleDamaged(f"{where} is not a cascade that OpenCV can read: it has no stages.")
    return classifier
