"""The quantised form of an encoder: calibrated on training pictures alone, and measured like the original."""

from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from retrieval.images import RGB
from tests.trainer.tuning import SIDE, pictures_in
from trainer.config import EncoderConfig
from trainer.networks import encoders
from trainer.training import quantization
from trainer.training.dataset import measure
from trainer.training.quantization import int8_encoder, quantise


@pytest.mark.usefixtures("tiny_siamese")
@pytest.mark.parametrize("most", [128, 5])
def test_the_twin_is_quantised_and_measured(most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calibrated: list[RGB] = []

    def watched(graph: onnx.ModelProto, pictures: Iterable[RGB]) -> onnx.ModelProto:
        calibrated.extend(pictures)
        return quantise(graph, iter(calibrated))

    monkeypatch.setattr(quantization, "quantise", watched)
    monkeypatch.setattr(quantization, "CALIBRATION_PICTURES", most)
    pictures = pictures_in(tmp_path, unlabelled=2)
    keras.utils.set_random_seed(0)
    encoder = encoders.frozen(EncoderConfig(backbone="siamese", weights="none", size=SIDE), mirror=False)
    quantised, before, after = int8_encoder(encoder, pictures)

    operations = [node.op_type for node in quantised.graph.graph.node]
    assert "QuantizeLinear" in operations
    assert "DequantizeLinear" in operations
    assert "QuantizeLinear" not in [node.op_type for node in encoder.graph.graph.node]
    assert before == measure(pictures, encoder.onnx.encode)[0]
    assert after == measure(pictures, quantised.onnx.encode)[0]
    assert quantised.stage == encoder.stage

    training = {pictures.prepared(row).tobytes() for row in pictures.training_rows()}
    assert {picture.tobytes() for picture in calibrated} <= training
    assert len(calibrated) == min(most, len(training))
    sample = np.stack(calibrated[:4])
    exact, close = encoder.onnx.encode(sample), quantised.onnx.encode(sample)
    cosines = (exact * close).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(close, axis=1)
    assert cosines.min() > 0.98
