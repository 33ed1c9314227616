"""Surgery on encoder files: each result computes what its parts compute, put together by hand in NumPy."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from PIL import Image

from retrieval.encoding.embedder import prepare
from retrieval.encoding.encoder import OnnxEncoder
from tests.support.bundles import SIDE, picture, write_encoder
from trainer.errors import ConfigError
from trainer.networks.graphs.building import adopt, mirrored, side_by_side, stacked, with_head

DIMS = 16

Numbers = NDArray[np.float32]


@pytest.fixture
def encoder(tmp_path: Path) -> ModelProto:
    """A random convolution that keeps the contract, cells included."""
    return tiny(tmp_path, 7)


def tiny(folder: Path, seed: int) -> ModelProto:
    write_encoder(folder / "tiny.onnx", seed=seed)
    return onnx.load(folder / "tiny.onnx")


def small(side: int) -> ModelProto:
    """Pictures of another size, whose bytes are the embedding: an encoder without cells."""
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["embedding"]),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", side, side, 3])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", side * side * 3])
    graph = helper.make_graph(nodes, "small", [images], [embedding])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def run(model: ModelProto, images: NDArray[np.uint8]) -> dict[str, Numbers]:
    """All outputs of a valid encoder file."""
    onnx.checker.check_model(model, full_check=True)
    OnnxEncoder(model.SerializeToString(), "the result", threads=1)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, {"images": images}), strict=True))


def pictures(count: int = 3, side: int = SIDE) -> NDArray[np.uint8]:
    return np.stack([prepare(picture(seed), side, side) for seed in range(count)])


def kernel(dims: int = 5) -> Numbers:
    return np.random.default_rng(0).normal(size=(DIMS, dims)).astype(np.float32)


def unit(values: NDArray[Any]) -> NDArray[Any]:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def close(result: Numbers, wanted: NDArray[Any]) -> None:
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("count", [1, 3])
def test_a_head_is_a_product_with_embedding_and_cells(count: int, encoder: ModelProto) -> None:
    before, after = (run(model, pictures(count)) for model in (encoder, with_head(encoder, kernel())))
    for name in ("embedding", "cells"):
        close(after[name], before[name] @ kernel())
    close(after["cells"].mean(axis=(1, 2)), after["embedding"])


@pytest.mark.parametrize("count", [1, 3])
def test_mirrored_is_the_mean_with_the_mirrored_picture(count: int, encoder: ModelProto) -> None:
    images = pictures(count)
    straight, other = run(encoder, images), run(encoder, np.ascontiguousarray(images[:, :, ::-1]))
    result = run(mirrored(encoder), images)
    close(result["embedding"], (straight["embedding"] + other["embedding"]) / 2)
    close(result["cells"], (straight["cells"] + other["cells"][:, :, ::-1]) / 2)
    close(result["cells"].mean(axis=(1, 2)), result["embedding"])
    assert np.abs(straight["embedding"] - other["embedding"]).max() > 0.01 * np.abs(straight["embedding"]).max()
    close(run(mirrored(encoder), images[:, :, ::-1].copy())["embedding"], result["embedding"])


def test_side_by_side_are_embeddings_of_length_one(encoder: ModelProto, tmp_path: Path) -> None:
    parts = [encoder, tiny(tmp_path, 8), with_head(encoder, kernel())]
    result = run(side_by_side(parts), pictures())
    assert set(result) == {"embedding"}
    close(result["embedding"], np.hstack([unit(run(part, pictures())["embedding"]) for part in parts]))


def test_smaller_members_see_the_picture_as_pillow_shrinks_it(encoder: ModelProto) -> None:
    side = 13
    images = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    result = run(side_by_side([small(side), encoder]), images)["embedding"]
    shrunk = [Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC) for image in images]
    wanted = run(small(side), np.stack([np.asarray(image) for image in shrunk]))["embedding"]
    lengths = np.linalg.norm(wanted, axis=1, keepdims=True)
    pixels = side * side * 3
    assert np.abs(result[:, :pixels] * lengths - wanted).max() < 1.1  # of 255: Pillow rounds between its two passes
    close(result[:, pixels:], unit(run(encoder, images)["embedding"]))


def test_a_black_picture_stays_finite_side_by_side() -> None:
    result = run(side_by_side([small(8), small(8)]), np.zeros((1, 8, 8, 3), np.uint8))["embedding"]
    np.testing.assert_array_equal(result, np.zeros((1, 2 * 8 * 8 * 3)))


def test_stacked_is_the_mean_of_both_halves(encoder: ModelProto) -> None:
    upper, lower = pictures(), pictures()[::-1]
    result = run(stacked(encoder), np.concatenate([upper, lower], axis=1))
    assert set(result) == {"embedding"}
    close(result["embedding"], (unit(run(encoder, upper)["embedding"]) + unit(run(encoder, lower)["embedding"])) / 2)


def test_steps_follow_one_another(encoder: ModelProto) -> None:
    images = pictures()
    straight, other = (run(encoder, x)["embedding"] for x in (images, np.ascontiguousarray(images[:, :, ::-1])))
    both = (straight + other) / 2
    result = run(
        with_head(side_by_side([mirrored(encoder), mirrored(encoder)]), np.vstack([kernel(), kernel()])), images
    )
    close(result["embedding"], 2 * unit(both) @ kernel())


def test_what_was_given_is_not_changed(encoder: ModelProto) -> None:
    before = encoder.SerializeToString()
    mirrored(with_head(encoder, kernel()))
    side_by_side([encoder, small(8)])
    adopt(encoder)
    assert encoder.SerializeToString() == before


# --- adopting


def test_adopted_files_keep_their_outputs_and_lose_others(encoder: ModelProto) -> None:
    wanted = run(encoder, pictures())
    encoder.graph.output.append(helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", DIMS, 4, 4]))
    result = run(adopt(encoder), pictures())
    assert set(result) == {"embedding", "cells"}
    for name, value in result.items():
        np.testing.assert_array_equal(value, wanted[name])


def test_a_file_that_does_not_keep_the_contract_is_refused(encoder: ModelProto) -> None:
    encoder.graph.node[-1].output[0] = encoder.graph.output[0].name = "features"
    with pytest.raises(
        ConfigError, match=r"mine\.onnx cannot be used as an encoder: .*outputs \['cells', 'features'\]"
    ):
        adopt(encoder, "mine.onnx")


@pytest.mark.skipif("LOOKALIKE_TEST_DATA" not in os.environ, reason="LOOKALIKE_TEST_DATA names no real encoder")
def test_the_face_encoder_is_adopted_and_mirrored() -> None:
    model = onnx.load(Path(os.environ["LOOKALIKE_TEST_DATA"]).parent / "weights" / "dlib_face_resnet_v1.onnx")
    images = pictures(2, 150)
    straight, other = (run(model, x)["embedding"] for x in (images, np.ascontiguousarray(images[:, :, ::-1])))
    np.testing.assert_array_equal(run(adopt(model), images)["embedding"], straight)
    close(run(mirrored(adopt(model)), images)["embedding"], (straight + other) / 2)
