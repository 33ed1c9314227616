"""People in the ORL Database of Faces: each of 400 pictures searched among the others, with and without a detector."""

import tomllib
from pathlib import Path

import numpy as np
import tomli_w

from benchmarks.quality import HEADER, shown
from benchmarks.setup import WORK, embed_source, pictures, publish, table, trained_with
from trainer.bundles import load_current
from trainer.config import CONFIGS
from trainer.evaluation.metrics import Scores, score

ENCODER = "dlib_face_resnet_v1.onnx"


def main() -> None:
    """The encoder on the pictures as they are, then on what each detector finds in them."""
    rows = [
        ("no detector", measure("none")),
        ("Haar", measure("haar")),
        ("**MTCNN, aligned, mirrored (`faces.toml`)**", measure("mtcnn")),
    ]
    publish("faces", table(HEADER, [(name, *shown(scores)) for name, scores in rows]))


def measure(detector: str) -> Scores:
    """Leave one out, by cosine, through the bundle."""
    source = pictures("orl_faces")
    artifacts = trained_with(_config(detector), source)
    found = embed_source(str(source), load_current(artifacts), artifacts, lambda *_: None)
    rows = np.arange(len(found.labels))
    return score(found.vectors, found.labels, found.vectors, found.labels, same=rows)


def _config(detector: str) -> Path:
    """`faces.toml` with the encoder's place and another detector, or none."""
    fields = tomllib.loads((CONFIGS / "faces.toml").read_text(encoding="utf-8"))
    fields["encoder"]["onnx"] = str(pictures("..") / "weights" / ENCODER)
    if detector == "none":
        del fields["faces"]
    else:
        fields["faces"] |= {"detector": detector}
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / f"faces-{detector}.toml"
    file.write_text(tomli_w.dumps(fields), encoding="utf-8")
    return file
