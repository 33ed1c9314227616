"""MTCNN: three small networks, each looking closer at what the one before has proposed; boxes and five landmarks.

Zhang, Zhang, Li, Qiao 2016, "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(https://arxiv.org/abs/1604.02878). The networks, thresholds and pixel conventions are those of the Python package
`mtcnn` 1.0, with which boxes and landmarks agree. Each network takes `images`, float32 [n, height, width, 3] within
-1..1, and says of each, or P-Net of each window of 12 pixels, how to move its box and whether it is a face.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.encoding.encoder import open_session
from retrieval.errors import BundleDamaged
from retrieval.faces.detection import Face
from retrieval.images import RGB

Array = NDArray[np.float64]

NETWORKS = {"pnet": 12, "rnet": 24, "onet": 48}
"""The three by name, and the side in pixels of what each looks at."""
OUTPUTS = {"offsets": 4, "probabilities": 2}  # and how long each is
LANDMARKS = {"landmarks": 10}  # O-Net's alone
STRIDE = 2  # pixels between two of P-Net's windows
PYRAMID = 0.709  # each level has about half the pixels of the one before
PROPOSED, REFINED, FINAL = 0.6, 0.7, 0.8  # least probability of a face after each network
OVERLAP_IN_LEVEL, OVERLAP = 0.5, 0.7  # above which the less probable of two boxes is dropped
MAX_BOXES = 2000  # the most probable ones, of a level and of all: a crowd makes hundreds, and noise no end of them


class Mtcnn:
    """The cascade. Safe to call from several threads."""

    def __init__(self, models: Mapping[str, bytes], where: str, *, threads: int = 0) -> None:
        """`models` holds the ONNX files of NETWORKS by name; `where` names them in errors.

        `threads` as in open_session. Raises BundleDamaged for what is not such a network.
        """
        self._networks = {name: open_session(models[name], f"{where}: {name}", threads=threads) for name in NETWORKS}
        for name, side in NETWORKS.items():
            self._try(name, side, where)

    def _try(self, name: str, side: int, where: str) -> None:
        expected = OUTPUTS | (LANDMARKS if name == "onet" else {})
        try:
            outputs = self._run(name, np.zeros((1, side, side, 3), np.float32), *expected)
        except Exception as error:  # as in open_session
            raise BundleDamaged(f"{where}: {name} is not a network of MTCNN: {error}") from error
        lengths = {output: values.shape[-1] for output, values in zip(expected, outputs, strict=True)}
        if lengths != expected:
            raise BundleDamaged(f"{where}: {name} is not a network of MTCNN: it gives {lengths}, expected {expected}.")

    def _run(self, name: str, images: NDArray[np.float32], *outputs: str) -> list[NDArray[np.float32]]:
        values: list[NDArray[np.float32]] = self._networks[name].run(list(outputs), {"images": images})
        return values

    def detect(self, rgb: RGB, min_size: float) -> list[Face]:
        """As Detector says; a `min_size` below 12 pixels counts as 12."""
        boxes = self._propose(rgb, max(min_size, NETWORKS["pnet"]))
        boxes = self._refine(rgb, boxes)
        return self._conclude(rgb, boxes)

    def _propose(self, rgb: RGB, min_size: float) -> Array:
        """P-Net over the pyramid: square boxes [n, 4]."""
        pixels = _normalised(rgb)
        boxes, scores = np.empty((0, 4)), np.empty(0)
        for scale in _scales(min(rgb.shape[:2]), min_size):
            height, width = int(rgb.shape[0] * scale), int(rgb.shape[1] * scale)
            level = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.float32)
            offsets, probabilities = self._run("pnet", level[None], *OUTPUTS)
            level_boxes, level_scores = _windows(offsets[0], probabilities[0, :, :, 1], scale)
            rows = suppress(level_boxes, level_scores, OVERLAP_IN_LEVEL)
            boxes, scores = np.concatenate([boxes, level_boxes[rows]]), np.concatenate([scores, level_scores[rows]])
        return _squared(boxes[suppress(boxes, scores, OVERLAP)])

    def _refine(self, rgb: RGB, boxes: Array) -> Array:
        """R-Net: fewer and better square boxes [n, 4]."""
        if not len(boxes):
            return boxes
        offsets, probabilities = self._run("rnet", _patches(rgb, boxes, NETWORKS["rnet"]), *OUTPUTS)
        sure = probabilities[:, 1] > REFINED
        boxes, scores = _shifted(boxes[sure], offsets[sure]), probabilities[sure, 1]
        return _squared(boxes[suppress(boxes, scores, OVERLAP)])

    def _conclude(self, rgb: RGB, boxes: Array) -> list[Face]:
        """O-Net: the faces."""
        if not len(boxes):
            return []
        patches = _patches(rgb, boxes, NETWORKS["onet"])
        offsets, probabilities, points = self._run("onet", patches, *OUTPUTS, *LANDMARKS)
        sure = probabilities[:, 1] > FINAL
        scores = probabilities[sure, 1].astype(np.float64)
        landmarks, boxes = _landmarks(boxes[sure], points[sure]), _shifted(boxes[sure], offsets[sure])
        limits = np.array([rgb.shape[1], rgb.shape[0]] * 2) - 1
        return [
            Face(np.clip(boxes[row], 0, limits), float(scores[row]), landmarks[row])
            for row in suppress(boxes, scores, OVERLAP, of_smaller=True)
        ]


def suppress(
    boxes: Array, scores: NDArray[np.floating], overlap: float, *, of_smaller: bool = False
) -> NDArray[np.intp]:
    """Rows to keep, most probable first: those of the first MAX_BOXES that no more probable box overlaps too much.

    `overlap` is a share of the union of both, or of the smaller one. Unlike in greedy suppression, a box that is
    dropped itself still drops others: that is what `mtcnn` does.
    """
    order = np.argsort(scores)[::-1][:MAX_BOXES]
    left, top, right, bottom = boxes[order].T
    width = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    height = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    area = (right - left) * (bottom - top)
    whole = np.minimum(area[:, None], area) if of_smaller else area[:, None] + area - shared
    too_close = shared > overlap * whole
    rows: NDArray[np.intp] = order[~np.triu(too_close, k=1).any(axis=0)]
    return rows


def _normalised(rgb: NDArray[np.generic]) -> NDArray[np.float32]:
    pixels: NDArray[np.float32] = (rgb.astype(np.float32) - np.float32(127.5)) / np.float32(128)
    return pixels


def _scales(shorter_side: int, min_size: float) -> list[float]:
    """From the size at which the smallest face fills P-Net's window down to that at which the picture does."""
    scales = []
    scale = NETWORKS["pnet"] / min_size
    while int(shorter_side * scale) >= NETWORKS["pnet"]:
        scales.append(scale)
        scale *= PYRAMID
    return scales


def _windows(
    offsets: NDArray[np.float32], probabilities: NDArray[np.float32], scale: float
) -> tuple[Array, NDArray[np.float32]]:
    """The windows [n, 4] of one level in which there may be a face, in the picture's pixels, and how probably."""
    rows, columns = np.nonzero(probabilities > PROPOSED)
    corner = np.stack([columns, rows], axis=1) * STRIDE
    side = NETWORKS["pnet"]
    window = np.concatenate([corner + 1, corner + side], axis=1)  # its first and its last pixel, counted from one
    boxes = (window + offsets[rows, columns].astype(np.float64) * (side - 1)) / scale
    return boxes, probabilities[rows, columns]


def _squared(boxes: Array) -> Array:
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _shifted(boxes: Array, offsets: NDArray[np.float32]) -> Array:
    """Corners moved by the offsets, which are shares of the box; it holds both its last pixels, hence + 1."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(size, 2)


def _landmarks(boxes: Array, points: NDArray[np.float32]) -> Array:
    """O-Net's five x and five y [n, 10], shares of the box, to [n, 5, 2] in pixels."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    shares = np.stack([points[:, :5], points[:, 5:]], axis=2)
    return boxes[:, None, :2] + shares * size[:, None] - 1


def _patches(rgb: RGB, boxes: Array, side: int) -> NDArray[np.float32]:
    """The boxes' contents [n, side, side, 3], bilinear, grey beyond the picture's edge.

    Sampled where TensorFlow's crop_and_resize samples, for which the networks' thresholds were chosen: a box is given
    as shares of the picture, and these run from the centre of its first pixel to that of its last.
    """
    patches = np.zeros((len(boxes), side, side, 3), np.float32)
    height, width = rgb.shape[:2]
    steps = np.linspace(0, 1, side)
    for patch, (left, top, right, bottom) in zip(patches, boxes, strict=True):
        x = ((left + (right - left) * steps) * (width - 1) / width).astype(np.float32)
        y = ((top + (bottom - top) * steps) * (height - 1) / height).astype(np.float32)
        inside_x, inside_y = (x >= 0) & (x <= width - 1), (y >= 0) & (y <= height - 1)
        patch[np.ix_(inside_y, inside_x)] = _bilinear(rgb, x[inside_x], y[inside_y])
    return patches


def _bilinear(rgb: RGB, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalised pixels at the crossings of columns x and rows y, [len(y), len(x), 3]."""
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.ceil(x).astype(int), np.ceil(y).astype(int)
    across, down = (x - left)[None, :, None], (y - top)[:, None, None]
    upper = _normalised(rgb[np.ix_(top, left)]) * (1 - across) + _normalised(rgb[np.ix_(top, right)]) * across
    lower = _normalised(rgb[np.ix_(bottom, left)]) * (1 - across) + _normalised(rgb[np.ix_(bottom, right)]) * across
    mixed: NDArray[np.float32] = (upper * (1 - down) + lower * down).astype(np.float32)
    return mixed
