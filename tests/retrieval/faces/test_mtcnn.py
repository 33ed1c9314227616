"""MTCNN's own arithmetic against slow oracles, and files that are not its networks.

That the whole cascade finds faces, and the same as the package `mtcnn`, is tested with the real networks in
tests/trainer/networks/test_face_detectors.py, as the trainer makes them.
"""

from itertools import combinations

import numpy as np
import onnx.parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import BundleDamaged
from retrieval.faces import mtcnn
from retrieval.faces.mtcnn import LANDMARKS, NETWORKS, OUTPUTS, Mtcnn, suppress
from tests.support.marks import examples


def overlap(a: list[float], b: list[float], *, of_smaller: bool) -> float:
    """Pixel by pixel, for boxes of whole pixels."""
    pixels = [
        {(x, y) for x in range(int(box[0]), int(box[2])) for y in range(int(box[1]), int(box[3]))} for box in (a, b)
    ]
    whole = min(map(len, pixels)) if of_smaller else len(pixels[0] | pixels[1])
    return len(pixels[0] & pixels[1]) / whole


boxes_of_pixels = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9)), max_size=8
)


@settings(max_examples=examples(200), deadline=None)
@given(corners=boxes_of_pixels, limit=st.sampled_from([0.31, 0.47, 0.69]), of_smaller=st.booleans())
def test_boxes_that_overlap_a_better_one_are_dropped(
    corners: list[tuple[int, int, int, int]], limit: float, of_smaller: bool
) -> None:
    boxes = [[float(x), float(y), float(x + width), float(y + height)] for x, y, width, height in corners]
    scores = np.random.default_rng(len(boxes)).permutation(len(boxes)) + 1.0
    ranked = sorted(range(len(boxes)), key=lambda row: -scores[row])
    expected = [
        row
        for place, row in enumerate(ranked)
        if not any(overlap(boxes[row], boxes[better], of_smaller=of_smaller) > limit for better in ranked[:place])
    ]
    kept = suppress(np.array(boxes).reshape(-1, 4), scores, limit, of_smaller=of_smaller)
    assert kept.tolist() == expected


def test_noise_makes_no_work_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mtcnn, "MAX_BOXES", 10)
    apart = np.arange(100)[:, None] * 20.0 + [0, 0, 9, 9]
    assert suppress(apart, np.arange(100.0), 0.5).tolist() == list(range(99, 89, -1))


def network(name: str, lengths: dict[str, int], *, level: float = 0.0) -> bytes:
    """An ONNX file that moves no box, and gives the mean of what it looks at plus `level` for every other number."""
    side = NETWORKS[name]
    size, one = ("h,w", "Identity") if name == "pnet" else (f"{side},{side}", "Flatten <axis = 1>")
    steps = []
    for output, length in lengths.items():
        numbers = ",".join(["zero" if output == "offsets" else "number"] * length)
        steps.append(f"{output}_all = Concat <axis = 3> ({numbers}) {output} = {one} ({output}_all)")
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 17]>
        {name} (float[n,{size},3] images) => ({", ".join(f"float[] {output}" for output in lengths)}) {{
            planes = Transpose <perm = [0, 3, 1, 2]> (images)
            pooled = AveragePool <kernel_shape = [{side}, {side}], strides = [2, 2]> (planes)
            mean = ReduceMean <axes = [1]> (pooled)
            last = Transpose <perm = [0, 2, 3, 1]> (mean)
            level = Constant <value_float = {level}> ()
            number = Add (last, level)
            zero = Sub (number, number)
            {" ".join(steps)}
        }}""")
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    content: bytes = model.SerializeToString()
    return content


def networks(level: float = 0.0) -> dict[str, bytes]:
    return {name: network(name, OUTPUTS | (LANDMARKS if name == "onet" else {}), level=level) for name in NETWORKS}


@pytest.mark.parametrize("shape", [(1, 1), (12, 12), (11, 400), (40, 37), (64, 200)])
@pytest.mark.parametrize("level", [0.0, 0.9])
def test_pictures_of_any_shape_where_nothing_or_everything_is_a_face(shape: tuple[int, int], level: float) -> None:
    grey = np.full((*shape, 3), 128, np.uint8)
    result = Mtcnn(networks(level), "a test", threads=1).detect(grey, 20)
    assert bool(result) == (level > 0.8 and min(shape) >= 20)
    for first, second in combinations(result, 2):
        assert overlap([*first.box], [*second.box], of_smaller=True) <= 0.75  # 0.7, and what rounding to pixels adds
    for face in result:
        assert (face.box >= 0).all()
        assert (face.box <= [shape[1] - 1, shape[0] - 1] * 2).all()
        assert face.landmarks is not None
        assert face.landmarks.shape == (5, 2)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        (None, "is not a model that ONNX Runtime can load"),
        ({"offsets": 4}, "is not a network of MTCNN"),
        (OUTPUTS | LANDMARKS | {"offsets": 3}, "is not a network of MTCNN: it gives .*'offsets': 3"),
    ],
    ids=["no model", "no probabilities", "three offsets"],
)
def test_what_is_no_network_of_mtcnn_is_refused(name: str, lengths: dict[str, int] | None, words: str) -> None:
    content = network(name, lengths) if lengths else b"no model"
    with pytest.raises(BundleDamaged, match=f"the files: {name} {words}"):
        Mtcnn(networks() | {name: content}, "the files")
