"""People in the ORL Database of Faces: each of 400 pictures searched among the others, with and without a detector."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import tomli_w

from benchmarks.quality import HEADER, score_cells
from benchmarks.setup import WORK, embed_source, pictures, publish, table, trained_with
from retrieval.encoding.projection import Projection
from trainer.bundles import load_current
from trainer.config import CONFIGS
from trainer.evaluation.metrics import Scores, score
from trainer.sources.face_models import DETECTOR, ENCODER

DLIB = "dlib_face_resnet_v1.onnx"


def main() -> None:
    """Both encoders on the pictures as they are, then on what each detector finds in them."""
    rows = [
        ("dlib, no detector", measure("none", encoder="dlib")),
        ("dlib, Haar", measure("haar", encoder="dlib")),
        ("dlib, MTCNN, aligned, mirrored", measure("mtcnn", encoder="dlib")),
        ("SFace, no detector", measure("none")),
        ("SFace, YuNet, aligned, mirrored, frozen (no PCA)", measure("yunet", projected=False)),
        ("**SFace, YuNet, aligned, mirrored, PCA 128 (`faces.toml`)**", measure("yunet")),
    ]
    publish("faces", table(HEADER, [(name, *score_cells(scores)) for name, scores in rows]))


def measure(detector: str, *, encoder: str = "sface", projected: bool = True) -> Scores:
    """Leave one out, by cosine, through the bundle."""
    source = pictures("orl_faces")
    artifacts = trained_with(_config(detector, encoder), source)
    loaded = load_current(artifacts)
    if not projected:
        dims = loaded.embedder.encoder.dims
        plain = Projection(np.zeros(dims, np.float32), np.eye(dims, dtype=np.float32))
        loaded = replace(loaded, embedder=replace(loaded.embedder, projection=plain))
    embedded = embed_source(str(source), loaded, artifacts, lambda *_: None)
    rows = np.arange(len(embedded.labels))
    return score(embedded.vectors, embedded.labels, embedded.vectors, embedded.labels, same=rows)


def _config(detector: str, encoder: str) -> Path:
    """`faces.toml` with the places of its files, and another detector or encoder."""
    fields = tomllib.loads((CONFIGS / "faces.toml").read_text(encoding="utf-8"))
    weights = pictures("..") / "weights"
    fields["encoder"]["onnx"] = str(weights / ENCODER.name)
    if encoder == "dlib":
        fields["encoder"] = {"onnx": str(weights / DLIB)}
        fields["faces"] |= {"template": "dlib"}
    if detector == "none":
        del fields["faces"]
    elif detector == "yunet":
        fields["faces"] |= {"file": str(weights / DETECTOR.name)}
    else:
        fields["faces"] |= {"detector": detector}
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / f"faces-{encoder}-{detector}.toml"
    file.write_text(tomli_w.dumps(fields), encoding="utf-8")
    return file
