"""Small face detectors in the exact formats of the published ones: every bright spot on a dark ground is a face."""

import math
from typing import Literal

import onnx.parser

from retrieval.faces.opener import FaceStage
from retrieval.faces.spec import FaceSpec, Template

FACE = 64  # pixels: the side of every face that they find, around the middle of a spot
LANDMARKS = ((-16, -16), (16, -16), (0, 0), (-12, 16), (12, 16))
"""(x, y) from the middle of a spot, in pixels: both eyes, nose, both corners of the mouth."""


def yunet() -> bytes:
    """An ONNX file with YuNet's input and twelve outputs, for `cv2.FaceDetectorYN`: faces where 8 x 8 pixels are white.

    Each level has, of each cell: whether there is a face (class and object), its box (shift of the middle in cells, and
    the logarithms of width and height in cells), and the shifts of five landmarks in cells.
    """
    steps, outputs = [], []
    for stride in (8, 16, 32):
        level = 1.0 if stride == 8 else 0.0
        side = math.log(FACE / stride)
        numbers = {"bbox": [-0.0, 0.0, side, side], "kps": [place / stride for point in LANDMARKS for place in point]}
        steps.append(f"""
            pool_{stride} = AveragePool <kernel_shape = [{stride}, {stride}], strides = [{stride}, {stride}]> (input)
            mean_{stride} = Conv (pool_{stride}, grey)
            row_{stride} = Reshape (mean_{stride}, shape)
            scale_{stride} = Constant <value = float {{{level / 255}}}> ()
            cls_{stride} = Mul (row_{stride}, scale_{stride})
            obj_{stride} = Mul (row_{stride}, scale_{stride})
            none_{stride} = Mul (row_{stride}, nought)""")
        for name, values in numbers.items():
            length = len(values)
            steps.append(f"""
            all_{name}_{stride} = Concat <axis = 2> ({", ".join([f"none_{stride}"] * length)})
            {name}_{stride}_constant = Constant <value = float[1,1,{length}] {{{", ".join(map(str, values))}}}> ()
            {name}_{stride} = Add (all_{name}_{stride}, {name}_{stride}_constant)""")
    for name, length in {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}.items():
        outputs += [f"float[1,{(640 // stride) ** 2},{length}] {name}_{stride}" for stride in (8, 16, 32)]
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 13]>
        yunet (float[1,3,640,640] input) => ({", ".join(outputs)}) {{
            grey = Constant <value = float[1,3,1,1] {{0.3333333, 0.3333333, 0.3333333}}> ()
            shape = Constant <value = int64[3] {{1, -1, 1}}> ()
            nought = Constant <value = float {{0.0}}> ()
            {"".join(steps)}
        }}""")
    content: bytes = model.SerializeToString()
    return content


def yolo(height: int = 160, width: int = 320, *, rows: int = 20) -> bytes:
    """An ONNX file of the format of YOLOv8-face, for pictures of that size: faces where 8 x 8 pixels are red.

    `rows` of its output, if it is to be of another format.
    """
    down, across = height // 8, width // 8
    x = [8 * column + 4.0 for _row in range(down) for column in range(across)]
    y = [8 * row + 4.0 for row in range(down) for _column in range(across)]
    even = [1.0] * (down * across)
    numbers = [x, y, [float(FACE)] * len(even), [float(FACE)] * len(even)]
    points = [line for dx, dy in LANDMARKS for line in ([v + dx for v in x], [v + dy for v in y], even)]
    constants = {"before": numbers, "after": points[: rows - 5]}
    lines = [
        f"{name} = Constant <value = float[1,{len(values)},{len(even)}] "
        f"{{{', '.join(str(value) for line in values for value in line)}}}> ()"
        for name, values in constants.items()
    ]
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 13]>
        yolo (float[1,3,{height},{width}] images) => (float[1,{rows},{len(even)}] output0) {{
            red = Constant <value = float[1,3,1,1] {{1.0, -1.0, -1.0}}> ()
            shape = Constant <value = int64[3] {{1, 1, -1}}> ()
            pool = AveragePool <kernel_shape = [8, 8], strides = [8, 8]> (images)
            redness = Conv (pool, red)
            score = Reshape (redness, shape)
            {chr(10).join(lines)}
            output0 = Concat <axis = 1> (before, score, after)
        }}""")
    content: bytes = model.SerializeToString()
    return content


def yunet_stage(*, which: Literal["largest", "all"] = "largest") -> FaceStage:
    """Aligned crops of the faces that this YuNet finds."""
    template = Template(side=FACE, points=tuple((x + FACE / 2, y + FACE / 2) for x, y in LANDMARKS))
    spec = FaceSpec(detector="yunet", min_size=36, margin=0, template=template, which=which, missing="skip")
    return FaceStage(spec, {"yunet": yunet()})
