"""YuNet: one small network for faces of all sizes, through OpenCV; boxes and five landmarks.

Wu, Peng and Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20. The file is
`face_detection_yunet_2023mar.onnx` of the OpenCV zoo.
"""

import threading

import cv2
import numpy as np

from retrieval.errors import BundleDamaged
from retrieval.faces.detection import Face
from retrieval.faces.suppression import best_boxes
from retrieval.images import RGB, resize

LEAST_SCORE = 0.7
OVERLAP = 0.3  # of their union, above which the less probable of two boxes is dropped
MAX_FACES = 5000  # candidates before boxes that overlap are dropped
COARSE_SIDE = 640
"""Longer side, in pixels, at which a larger picture is looked at once more: YuNet knows faces of up to 300 pixels."""
TRIAL_SIDE = 64


class YuNet:
    """The network. Safe to call from several threads: OpenCV's object is not, so each has its own."""

    def __init__(self, model: bytes, where: str) -> None:
        """`model` is the content of the ONNX file and `where` names it in errors.

        Raises BundleDamaged when it is not YuNet.
        """
        self._model, self._where = np.frombuffer(model, np.uint8), where
        self._of_thread = threading.local()
        try:
            self._look(np.zeros((TRIAL_SIDE, TRIAL_SIDE, 3), np.uint8))
        except (cv2.error, SystemError) as error:  # OpenCV says no more of what it cannot use
            raise BundleDamaged(f"{where} is not a YuNet network that OpenCV can read: {error}") from error

    def detect(self, rgb: RGB, min_size: float) -> list[Face]:
        """As Detector says. The size of a face is the square root of its box's area."""
        faces = self._look(rgb)
        scale = COARSE_SIDE / max(rgb.shape[:2])
        if scale < 1:
            height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
            faces += [face.moved(1 / scale, 0) for face in self._look(resize(rgb, height, width))]
            boxes, scores = np.array([face.box for face in faces]).reshape(-1, 4), [face.score for face in faces]
            faces = [faces[row] for row in best_boxes(boxes, np.array(scores), OVERLAP)]
        return [face for face in faces if face.area >= min_size**2]

    def _look(self, rgb: RGB) -> list[Face]:
        """The faces at the picture's own size."""
        detector = self._detector()
        detector.setInputSize((rgb.shape[1], rgb.shape[0]))
        _count, rows = detector.detect(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        if rows is None:
            return []
        rows = np.asarray(rows, np.float64)
        rows = rows[np.isfinite(rows).all(axis=1) & (rows[:, 2:4] > 0).all(axis=1)]
        return [
            Face(np.array([x, y, x + width, y + height]), float(score), np.array(points).reshape(5, 2))
            for x, y, width, height, *points, score in rows
        ]

    def _detector(self) -> cv2.FaceDetectorYN:
        if not hasattr(self._of_thread, "detector"):
            self._of_thread.detector = cv2.FaceDetectorYN.create(
                "onnx", self._model, np.empty(0, np.uint8), (TRIAL_SIDE, TRIAL_SIDE), LEAST_SCORE, OVERLAP, MAX_FACES
            )
        detector: cv2.FaceDetectorYN = self._of_thread.detector
        return detector
