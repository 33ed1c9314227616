"""The encoder: uint8 RGB pictures in, embeddings out. All scaling and channel order is inside its ONNX graph."""

from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from retrieval.errors import BundleDamaged


class Encoder(Protocol):
    """What turns prepared pictures into embeddings; tests stand a small one in its place."""

    height: int
    width: int
    dims: int

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pictures uint8 [n, height, width, 3], RGB, to embeddings float32 [n, dims]."""
        ...


class OnnxEncoder:
    """An encoder file run by ONNX Runtime on the CPU. Safe to call from several threads."""

    def __init__(self, model: bytes, where: str, *, threads: int = 0) -> None:
        """`model` is the content of an ONNX file and `where` names it in errors.

        `threads` work on one call; 0 lets ONNX Runtime take every core. Raises BundleDamaged when
        it is not a model, or not one with our inputs and outputs.
        """
        self._session = open_session(model, where, threads=threads)
        self.height, self.width, self.dims = _contract(self._session, where)
        self.has_cells = "cells" in {output.name for output in self._session.get_outputs()}

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pictures uint8 [n, height, width, 3], RGB, to embeddings float32 [n, dims]."""
        (embeddings,) = self._session.run(["embedding"], {"images": images})
        result: NDArray[np.float32] = embeddings
        return result

    def encode_cells(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Embeddings [n, dims] and the cells [n, h, w, dims] whose mean they are. Needs `has_cells`."""
        embeddings, cells = self._session.run(["embedding", "cells"], {"images": images})
        return embeddings, cells


def _contract(session: ort.InferenceSession, where: str) -> tuple[int, int, int]:
    """Height, width and dims of a graph that keeps the encoder contract; BundleDamaged for one that does not."""
    inputs = {node.name: node for node in session.get_inputs()}
    outputs = {node.name: node for node in session.get_outputs()}
    actual = f"inputs {sorted(inputs)}, outputs {sorted(outputs)}"
    if set(inputs) != {"images"} or "embedding" not in outputs:
        raise BundleDamaged(f"{where} is not an encoder: it has {actual}; expected images -> embedding[, cells].")
    images, embedding = inputs["images"], outputs["embedding"]
    sizes = [*images.shape[1:3], embedding.shape[-1]]
    if images.type != "tensor(uint8)" or len(images.shape) != 4 or not all(isinstance(n, int) for n in sizes):
        raise BundleDamaged(
            f"{where} is not an encoder: images is {images.type} {images.shape} and embedding {embedding.shape}; "
            "expected tensor(uint8) [n, height, width, 3] and [n, dims] of fixed sizes."
        )
    return sizes[0], sizes[1], sizes[2]


def open_session(model: bytes, where: str, *, threads: int = 0) -> ort.InferenceSession:
    """A session of ONNX Runtime on the CPU, of bytes that have been checked.

    `model` is the content of an ONNX file and `where` names it in errors. Raises BundleDamaged.

    `threads` work on one call; 0 lets ONNX Runtime take every core.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait for work sleep. Spinning, they take a third of the CPU time of concurrent runs for nothing.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only: warnings are about graph details that nobody can act on
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a file it cannot load
        raise BundleDamaged(f"{where} is not a model that ONNX Runtime can load: {error}") from error
