"""What a small network learns from nothing but 2,640 pictures of 64x64 pixels, beside plain colour histograms."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import HEADER, measure, score_cells
from benchmarks.setup import grocery, publish, table
from retrieval import images
from trainer.evaluation.metrics import Scores, score

SIDE = 64
BINS = 8  # of each colour


def main() -> None:
    """Colour histograms, and the Siamese network trained from scratch."""
    rows = [
        ("colour histograms (8x8x8, 64x64 pixels)", histograms()),
        ("**Siamese network from scratch (`siamese.toml`)**", measure("siamese")),
    ]
    publish("scratch", table(HEADER, [(name, *score_cells(scores)) for name, scores in rows]))


def histograms() -> Scores:
    """Every test picture searched among all training pictures, by the cosine of the square roots of histograms.

    Which is the Bhattacharyya coefficient, the usual way to compare them.
    """
    gallery, queries = (_described(grocery(part)) for part in ("train", "test"))
    return score(*queries, *gallery)


def _described(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    files = sorted(folder.glob("*/*.jpg"))
    return np.stack([_histogram(file) for file in files]), np.array([file.parent.name for file in files])


def _histogram(file: Path) -> NDArray[np.float32]:
    pixels = images.resize(images.decode(file.read_bytes(), min_side=SIDE), SIDE, SIDE).reshape(-1, 3)
    places = (pixels.astype(np.int64) * BINS // 256) @ (BINS * BINS, BINS, 1)
    return np.sqrt(np.bincount(places, minlength=BINS**3)).astype(np.float32)
