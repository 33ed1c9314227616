"""YOLOv8-face: any network of that format, in one look at a picture; boxes and five landmarks.

The format is that of YOLOv8 with a pose head for five points, as its authors' tools export it: input float32 or float16
[1, 3, height, width], RGB within 0..1; output [1, 20, n], of each candidate the middle, width and height of the box,
the score, and x, y and visibility of five landmarks, in pixels of the input.
"""

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding.encoder import open_session
from retrieval.errors import BundleDamaged
from retrieval.faces.detection import Face
from retrieval.faces.suppression import best_boxes
from retrieval.images import RGB, resize

LEAST_SCORE = 0.5
OVERLAP = 0.45  # of their union, above which the less probable of two boxes is dropped
ROWS = 20  # box, score, and three numbers of each of five landmarks
SIDE = 640  # pixels; for a file that takes any size
MAX_SIDE = 2048  # pixels; a larger input is no network for faces, and takes memory without end
GREY = 114  # of what is around the picture, as in training


class Yolo:
    """The network. Safe to call from several threads."""

    def __init__(self, model: bytes, where: str, *, threads: int = 0) -> None:
        """`model` is the content of the ONNX file and `where` names it in errors; `threads` as in open_session.

        Raises BundleDamaged when it is not such a network.
        """
        self._session = open_session(model, where, threads=threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        problem = f"it has {len(inputs)} inputs and {len(outputs)} outputs"
        if len(inputs) == len(outputs) == 1:
            self._names = inputs[0].name, outputs[0].name
            self._type: type[np.floating] = np.float16 if inputs[0].type == "tensor(float16)" else np.float32
            problem = self._sized(list(inputs[0].shape))
        if problem:
            raise BundleDamaged(
                f"{where} is not a YOLOv8-face network: {problem}. Expected are one input [1, 3, height, width] of at "
                f"most {MAX_SIDE} pixels, and one output [1, {ROWS}, n]; export it without suppression of boxes inside."
            )

    def _sized(self, shape: list[object]) -> str:
        """What is wrong with the network, if anything; a size that the file leaves open is SIDE."""
        sizes = [size if isinstance(size, int) else SIDE for size in shape[2:]]
        if len(shape) != 4 or shape[1] != 3 or max(sizes) > MAX_SIDE:
            return f"its input is {shape}"
        self._height, self._width = sizes
        try:
            output = self._run(np.zeros((self._height, self._width, 3), np.uint8))
        except Exception as error:  # as in open_session
            return str(error)
        return "" if output.ndim == 3 and output.shape[:2] == (1, ROWS) else f"its output is {list(output.shape)}"

    def _run(self, rgb: RGB) -> NDArray[np.floating]:
        source, output = self._names
        pixels = np.divide(rgb.transpose(2, 0, 1)[None], 255, dtype=np.float32).astype(self._type, order="C")
        values: NDArray[np.floating] = self._session.run([output], {source: pixels})[0]
        return values

    def detect(self, rgb: RGB, min_size: float) -> list[Face]:
        """As Detector says. The size of a face is the square root of its box's area."""
        framed, scale, corner = letterbox(rgb, self._height, self._width)
        candidates = self._run(framed)[0].T.astype(np.float64)
        candidates = candidates[(candidates[:, 4] >= LEAST_SCORE) & np.isfinite(candidates).all(axis=1)]
        middles, sizes, scores = candidates[:, :2], candidates[:, 2:4], candidates[:, 4]
        points = candidates[:, 5:].reshape(-1, 5, 3)[:, :, :2]
        boxes = (np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=1) - np.tile(corner, 2)) / scale
        points = (points - corner) / scale
        faces = [Face(boxes[row], float(scores[row]), points[row]) for row in best_boxes(boxes, scores, OVERLAP)]
        return [face for face in faces if face.area >= min_size**2]


def letterbox(rgb: RGB, height: int, width: int) -> tuple[RGB, float, NDArray[np.float64]]:
    """A picture as large as it fits into uint8 [height, width, 3], in the middle of grey; its scale; and its corner.

    A point (x, y) of the picture lies at `(x, y) * scale + corner`.
    """
    scale = min(height / rgb.shape[0], width / rgb.shape[1])
    inner_height, inner_width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    framed = np.full((height, width, 3), GREY, np.uint8)
    framed[top : top + inner_height, left : left + inner_width] = resize(rgb, inner_height, inner_width)
    return framed, scale, np.array([left, top], np.float64)
