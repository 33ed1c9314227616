"""Retrieval quality on grocery's own split, through the written bundles: gallery `train`, queries `test`."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.setup import embed_source, grocery, official, publish, table, trained
from retrieval.encoding.projection import Projection
from trainer.bundles import load_current
from trainer.evaluation.metrics import Scores, score

HEADER = "encoder | P@1 | P@10 | R@10 | mAP | MAP@R"


def main() -> None:
    """The frozen network, and what each way of tuning makes of it."""
    rows = [
        ("EfficientNet-Lite0, frozen (1280-d)", measure("frozen", projected=False)),
        ("frozen + PCA 128", measure("frozen")),
        ("tuned without labels (`unlabelled.toml`)", measure("unlabelled")),
        ("**tuned head, PCA 64 (`demo.toml`)**", measure("demo")),
        ("**fine-tuned (`grocery.toml`)**", measure("grocery", official())),
    ]
    publish("quality", table(HEADER, [(name, *score_cells(scores)) for name, scores in rows]))


def measure(config: str, source: Path | None = None, *, projected: bool = True) -> Scores:
    """Every test picture searched among all training pictures, by cosine."""
    artifacts = trained(config, source)
    loaded = load_current(artifacts)
    if not projected:
        dims = loaded.embedder.encoder.dims
        plain = Projection(np.zeros(dims, np.float32), np.eye(dims, dtype=np.float32))
        loaded = replace(loaded, embedder=replace(loaded.embedder, projection=plain))
    gallery, queries = (
        embed_source(str(grocery(part)), loaded, artifacts, lambda *_: None) for part in ("train", "test")
    )
    return score(queries.vectors, queries.labels, gallery.vectors, gallery.labels)


def score_cells(scores: Scores) -> list[str]:
    """The measures, three digits each."""
    values = (scores.precision_at_1, scores.precision_at_10, scores.recall_at_10, scores.map, scores.map_at_r)
    return [f"{value:.3f}" for value in values]
