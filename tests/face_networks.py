"""Small face detectors in the exact formats of the published ones: every bright spot on a dark ground is a face."""

import math

import onnx.parser

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
