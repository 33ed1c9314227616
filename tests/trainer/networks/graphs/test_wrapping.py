"""ONNX models from elsewhere: the wrapped file computes what their own recipe computes, written out in NumPy."""

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from retrieval.encoding.embedder import prepare
from retrieval.encoding.encoder import OnnxEncoder
from tests.support.bundles import picture
from tests.trainer.networks.foreign import KERNEL, SIDE, WIDTH, Numbers, convolution, mapped, model, pooled, reshaped
from trainer.config import OnnxConfig
from trainer.errors import ConfigError
from trainer.networks.graphs.wrapping import wrap

IMAGENET = {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def pictures(side: int = SIDE) -> NDArray[np.uint8]:
    return np.stack([prepare(picture(seed), side, side) for seed in range(3)])


def planes(images: NDArray[np.uint8], config: OnnxConfig) -> Numbers:
    """The recipe of `config`, one channel after the other."""
    channels = (0, 1, 2) if config.order == "RGB" else (2, 1, 0)
    return np.stack(
        [
            (images[..., channel].astype(np.float64) * config.scale - mean) / std
            for channel, mean, std in zip(channels, config.mean, config.std, strict=True)
        ],
        axis=1,
    )


def run(wrapped: ModelProto, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    onnx.checker.check_model(wrapped, full_check=True)
    OnnxEncoder(wrapped.SerializeToString(), "the result", threads=1)
    session = ort.InferenceSession(wrapped.SerializeToString(), providers=["CPUExecutionProvider"])
    for count in (1, len(images)):
        assert session.run(["embedding"], {"images": images[:count]})[0].shape[0] == count
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, {"images": images}), strict=True))


def close(result: Numbers, wanted: Numbers, tolerance: float = 1e-5) -> None:
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, wanted, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        IMAGENET,
        IMAGENET | {"order": "BGR"},
        {"order": "BGR", "mean": (103.939, 116.779, 123.68)},
        {"scale": 1 / 127.5, "mean": (1.0, 1.0, 1.0)},
    ],
)
def test_pixels_are_ordered_and_scaled_as_the_configuration_says(settings: dict[str, Any]) -> None:
    config = OnnxConfig(size=SIDE, **settings)
    result = run(wrap(pooled(), config), pictures())
    assert set(result) == {"embedding"}
    close(result["embedding"], convolution(planes(pictures(), config)).mean(axis=(2, 3)))


def test_a_feature_map_becomes_cells_and_their_mean() -> None:
    config = OnnxConfig(size=SIDE, **IMAGENET)
    result = run(wrap(mapped(), config), pictures())
    cells = convolution(planes(pictures(), config)).transpose(0, 2, 3, 1)
    close(result["cells"], cells)
    close(result["embedding"], cells.mean(axis=(1, 2)))


def test_channels_may_come_last() -> None:
    """As TensorFlow exports: pictures and map alike."""
    theirs = mapped()
    theirs.graph.node.insert(0, helper.make_node("Transpose", ["pictures"], ["input"], perm=[0, 3, 1, 2]))
    theirs.graph.node[-1].CopyFrom(helper.make_node("Transpose", ["map"], ["out"], perm=[0, 2, 3, 1]))
    theirs.graph.input[0].CopyFrom(helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", SIDE, SIDE, 3]))
    theirs.graph.output[0].CopyFrom(helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 4, 4, WIDTH]))
    config = OnnxConfig(size=SIDE, layout="NHWC", order="BGR", **IMAGENET)
    result = run(wrap(theirs, config), pictures())
    cells = convolution(planes(pictures(), config)).transpose(0, 2, 3, 1)
    close(result["cells"], cells)
    close(result["embedding"], cells.mean(axis=(1, 2)))


@pytest.mark.parametrize(("crop", "side"), [(0.875, 37), (0.8, 40), (0.5, 64)])
def test_the_middle_of_a_larger_picture_is_cut_out(crop: float, side: int) -> None:
    config = OnnxConfig(size=SIDE, crop=crop)
    start = (side - SIDE) // 2
    middle = pictures(side)[:, start : start + SIDE, start : start + SIDE]
    result = run(wrap(pooled(), config), pictures(side))
    close(result["embedding"], convolution(planes(middle, config)).mean(axis=(2, 3)))


@pytest.mark.parametrize(
    "theirs",
    [
        pooled(batch=1),
        pooled(batch=4),
        reshaped([1, WIDTH], batch=1),
        reshaped([1, -1], batch=1),
        reshaped([0, -1], batch="n"),
        pooled(opset=11),
        pooled(opset=20),
        reshaped([1, -1], batch=1, opset=9),
    ],
)
def test_any_batch_and_any_opset(theirs: ModelProto) -> None:
    config = OnnxConfig(size=SIDE, **IMAGENET)
    before = theirs.SerializeToString()
    result = run(wrap(theirs, config), pictures())
    close(result["embedding"], convolution(planes(pictures(), config)).mean(axis=(2, 3)))
    assert theirs.SerializeToString() == before


def test_half_precision_inside_is_float32_outside() -> None:
    config = OnnxConfig(size=SIDE, **IMAGENET)
    result = run(wrap(pooled(kind=TensorProto.FLOAT16), config), pictures())
    close(result["embedding"], convolution(planes(pictures(), config)).mean(axis=(2, 3)), tolerance=5e-3)


def test_weights_listed_as_inputs_are_no_inputs() -> None:
    """As files of the first years have it."""
    theirs = pooled(opset=9)
    theirs.graph.input.append(helper.make_tensor_value_info("kernel", TensorProto.FLOAT, KERNEL.shape))
    config = OnnxConfig(size=SIDE)
    result = run(wrap(theirs, config), pictures())
    close(result["embedding"], convolution(planes(pictures(), config)).mean(axis=(2, 3)))


def test_of_several_outputs_the_named_one() -> None:
    tail = [
        helper.make_node("GlobalAveragePool", ["map"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["features"]),
        helper.make_node("Softmax", ["features"], ["classes"]),
    ]
    theirs = model(tail, {"features": [WIDTH], "classes": [WIDTH]})
    with pytest.raises(ConfigError, match=r"outputs features float \[\?, 6\], classes float \[\?, 6\]\. Set output"):
        wrap(theirs, OnnxConfig(size=SIDE))
    with pytest.raises(ConfigError, match="none of them logits"):
        wrap(theirs, OnnxConfig(size=SIDE, output="logits"))
    wrapped = wrap(theirs, OnnxConfig(size=SIDE, output="features"))
    assert "Softmax" not in {node.op_type for node in wrapped.graph.node}
    config = OnnxConfig(size=SIDE)
    close(run(wrapped, pictures())["embedding"], convolution(planes(pictures(), config)).mean(axis=(2, 3)))


# --- what does not fit


@pytest.mark.parametrize("settings", [{"size": 64}, {"size": SIDE, "layout": "NHWC"}])
def test_a_model_of_another_size_or_layout_is_answered_with_what_was_found(settings: dict[str, Any]) -> None:
    with pytest.raises(
        ConfigError, match=r"theirs\.onnx has inputs input float \[\?, 3, 32, 32\] .*Set size and layout"
    ):
        wrap(pooled(), OnnxConfig(**settings), "theirs.onnx")


def test_pixels_must_be_floats_and_alone() -> None:
    theirs = pooled()
    theirs.graph.input.append(helper.make_tensor_value_info("text", TensorProto.INT64, ["n", 7]))
    with pytest.raises(ConfigError, match=r"inputs input float .*, text int64 \[\?, 7\] .*expected one input"):
        wrap(theirs, OnnxConfig(size=SIDE))
    theirs = pooled()
    theirs.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    with pytest.raises(ConfigError, match=r"input uint8 .*float32 or float16"):
        wrap(theirs, OnnxConfig(size=SIDE))


def test_a_batch_that_cannot_be_freed_is_refused() -> None:
    """The pictures of a batch flow together: the mean over the batch axis."""
    theirs = model(
        [
            helper.make_node("GlobalAveragePool", ["map"], ["pool"]),
            helper.make_node("ReduceMean", ["pool"], ["mean"], axes=[0]),
            helper.make_node("Sub", ["pool", "mean"], ["out"]),
        ],
        {"out": [WIDTH, 1, 1]},
    )
    with pytest.raises(ConfigError, match="pictures in a batch give other numbers than one by one"):
        wrap(theirs, OnnxConfig(size=SIDE))
    fixed = model(
        [
            helper.make_node("GlobalAveragePool", ["map"], ["pool"]),
            helper.make_node("Reshape", ["pool", "shape"], ["out"]),
        ],
        {"out": [WIDTH]},
        constants={"shape": np.array([WIDTH], np.int64)},
        batch=1,
    )
    with pytest.raises(ConfigError, match="Export it with a batch axis of any length"):
        wrap(fixed, OnnxConfig(size=SIDE))


def test_tokens_are_no_embedding() -> None:
    tail = [helper.make_node("Reshape", ["map", "shape"], ["out"])]
    theirs = model(tail, {"out": [WIDTH, 16]}, constants={"shape": np.array([0, WIDTH, 16], np.int64)})
    with pytest.raises(ConfigError, match=r"output out float \[\?, 6, 16\]; expected \[n, e\] or a feature map"):
        wrap(theirs, OnnxConfig(size=SIDE))


def test_operators_that_nobody_knows_are_said() -> None:
    theirs = pooled()
    theirs.graph.node[-1].domain = "their.own"
    theirs.opset_import.append(helper.make_opsetid("their.own", 1))
    with pytest.raises(ConfigError, match=r"theirs\.onnx cannot be wrapped"):
        wrap(theirs, OnnxConfig(size=SIDE), "theirs.onnx")
