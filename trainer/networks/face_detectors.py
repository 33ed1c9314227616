"""The face stage of a run: the detector's models, from packages or from a file, and the encoder's template."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.faces.mtcnn import NETWORKS
from retrieval.faces.opener import FaceStage
from retrieval.faces.spec import FaceSpec, Template
from trainer.config import FacesConfig
from trainer.errors import WeightsError

if TYPE_CHECKING:
    import keras

TEMPLATES = {
    # dlib's face recognition ResNet: eyes and mouth where dlib's own crops have them, the nose halfway.
    "dlib": Template(side=150, points=((47.7, 47.1), (100.3, 47.1), (74, 75.8), (52.2, 105), (95.8, 105))),
    # Deng et al. 2019, "ArcFace" (https://arxiv.org/abs/1801.07698): its authors' crops of 112 pixels.
    "arcface": Template(
        side=112,
        points=((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)),
    ),
}
CASCADE = "haarcascade_frontalface_alt2.xml"  # of OpenCV's four for faces, the one with the fewest mistakes


def face_stage(config: FacesConfig) -> FaceStage:
    """What the configuration asks for, with the models. `stage.opener(...)` opens pictures with it.

    Raises WeightsError where the detector's file is not there.
    """
    aligned = config.align and config.detector != "haar"  # which finds no landmarks
    spec = FaceSpec(
        detector=config.detector,
        min_size=config.min_size,
        margin=config.margin,
        template=TEMPLATES[config.template] if aligned else None,
        which=config.which,
        missing=config.missing,
    )
    return FaceStage(spec, _models(config))


def _models(config: FacesConfig) -> dict[str, bytes]:
    if config.detector == "haar":
        return _haar()
    if config.detector == "mtcnn":
        return _mtcnn()
    advice = "Name it as file = ... under [faces]; `lookalike download faces` fetches YuNet's."
    if config.file is None:
        raise WeightsError(f"The detector {config.detector} has no file. {advice}")
    try:
        return {config.detector: config.file.read_bytes()}
    except OSError as error:
        raise WeightsError(f"The file of the detector {config.detector} cannot be read: {error}. {advice}") from error


def _haar() -> dict[str, bytes]:
    import cv2.data

    return {"haar": (Path(cv2.data.haarcascades) / CASCADE).read_bytes()}


def _mtcnn() -> dict[str, bytes]:
    """The three networks of the package `mtcnn` as ONNX files."""
    from mtcnn.network.onet import ONet
    from mtcnn.network.pnet import PNet
    from mtcnn.network.rnet import RNet

    boxes = ("offsets", "probabilities")
    return {
        "pnet": _export("pnet", PNet(), None, boxes),  # it slides over a picture of any size
        "rnet": _export("rnet", RNet(), NETWORKS["rnet"], boxes),
        "onet": _export("onet", ONet(), NETWORKS["onet"], ("offsets", "landmarks", "probabilities")),
    }


def _export(name: str, network: "keras.Model", side: int | None, outputs: Sequence[str]) -> bytes:
    """One network with the package's weights. `outputs` are our names for its outputs, in its order."""
    import tensorflow as tf
    import tf2onnx
    from mtcnn.utils.tensorflow import load_weights

    from trainer.networks.graphs.export import OPSET

    network.build()
    network.set_weights(load_weights(f"{name}.lz4"))
    signature = [tf.TensorSpec((None, side, side, 3), tf.float32, name="images")]

    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output: tf.identity(value, output) for output, value in zip(outputs, network(images), strict=True)}

    function = tf.function(serve, input_signature=signature)
    model, _external = tf2onnx.convert.from_function(function, signature, opset=OPSET)
    content: bytes = model.SerializeToString()
    return content
