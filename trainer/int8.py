"""The quantised twin of an encoder, and what it costs on held-out pictures."""

from dataclasses import replace

from retrieval.encoder import OnnxEncoder
from trainer.evaluation.metrics import Scores
from trainer.networks.encoders import Encoders
from trainer.training.dataset import Pictures, measure
from trainer.training.quantization import quantise

CALIBRATION_PICTURES = 128


def int8_encoder(encoder: Encoders, pictures: Pictures) -> tuple[Encoders, Scores, Scores]:
    """The encoder in int8, calibrated on training pictures, and the scores in float32 and in int8."""
    rows = pictures.training_rows()
    chosen = rows[:: max(1, len(rows) // CALIBRATION_PICTURES)][:CALIBRATION_PICTURES]
    graph = quantise(encoder.graph, (pictures.prepared(row) for row in chosen))
    quantised = replace(encoder, graph=graph, onnx=OnnxEncoder(graph.SerializeToString(), "the int8 encoder"))
    before, after = (measure(pictures, e.onnx.encode)[0] for e in (encoder, quantised))
    return quantised, before, after
