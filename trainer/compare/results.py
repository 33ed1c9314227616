"""What a comparison of configurations says, and how one published run is measured for it."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from retrieval import bundle
from retrieval.catalogue import Catalogue, Item
from trainer.bundles import load_current, open_store
from trainer.compare.plan import Failure
from trainer.config import Config
from trainer.data.split import TRAIN, VALIDATION, number_labels
from trainer.errors import SourceError
from trainer.evaluation.metrics import AtK, Detail, Distances, detail
from trainer.evaluation.results import Interval
from trainer.evaluation.search_quality.latency import query_milliseconds
from trainer.progress import Epoch, Progress
from trainer.training.epochs.history import read_history
from trainer.training.validation import Validation, by_labels

TIMED_QUERIES = 100
TIMED_CUTS = (1, 10, 100)  # hits asked for


@dataclass(frozen=True, slots=True)
class MeasuredOn:
    """Which pictures were searched with and among. Rows compare where `digest`, which stands for them, is the same."""

    split: str
    seed: int
    queries: int
    unanswerable: int
    gallery: int
    leave_one_out: bool
    digest: str


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration before or after tuning: cosine over the published vectors, and what they cost.

    `hits` and `misses` are mean distances among the first 10 (metrics.Detail). `intervals` maps the names of
    measures.MEASURES to means with their 95 % intervals by bootstrap over labels. `query_milliseconds` maps k to the
    median of decoding, encoding and searching. `losses` names the loss of each stage that was trained.
    """

    configuration: str
    tuned: bool
    encoder: str
    stage: str
    precision: str
    bundle: str
    artifacts: str
    measured_on: MeasuredOn
    at: tuple[AtK, ...]
    map: float
    map_at_r: float
    hits: Distances | None
    misses: Distances | None
    intervals: Mapping[str, Interval]
    query_milliseconds: Mapping[int, float]
    parameters: int
    encoder_bytes: int
    training_seconds: float
    losses: Mapping[str, str]
    history: tuple[Epoch, ...]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was found out, in the order in which configurations were named."""

    source: str
    created: datetime
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]


def measure(
    artifacts: Path, configuration: str, config: Config, test: Collection[Path], *, tuned: bool, progress: Progress
) -> Row:
    """Measure what is published in `artifacts`: its items that are `test` pictures are searched among all others.

    Where these have none of their labels, each test picture is searched among the other test pictures.
    Raises SourceError when there is nothing to be found, and BundleError for a folder that cannot be read.
    """
    loaded = load_current(artifacts)
    folder = bundle.bundle_path(artifacts, loaded.manifest.id)
    catalogue, store = Catalogue(bundle.catalogue_url(artifacts)), open_store(artifacts, loaded)
    try:
        items = [item for item in catalogue.items() if item.label is not None]
        if not items:
            raise SourceError("Nothing to measure: no picture with a label could be used.")
        parts = [VALIDATION if artifacts / item.location in test else TRAIN for item in items]
        among = by_labels(number_labels([item.label for item in items]), np.array(parts, np.int8))
        details = _detail(np.stack([store.get(item.id) for item in items]), among)
        queries = [artifacts / items[row].location for row in among.queries]
        times = query_milliseconds(
            queries, loaded.embedder, store, "cosine", progress, ks=TIMED_CUTS, limit=TIMED_QUERIES
        )
        if not len(times):
            raise SourceError("Nothing to measure: none of the test pictures can be read any more.")
    finally:
        store.close()
        catalogue.close()
    history_csv = folder / bundle.TRAINING / "history.csv"
    history = read_history(history_csv.read_text(encoding="utf-8"), str(history_csv))
    encoder = loaded.manifest.encoder
    return Row(
        configuration=configuration,
        tuned=tuned,
        encoder=encoder.name,
        stage=encoder.stage,
        precision=encoder.precision,
        bundle=loaded.manifest.id,
        artifacts=str(artifacts),
        measured_on=_measured_on(config, items, among, details),
        at=details.at,
        map=details.scores.map,
        map_at_r=details.scores.map_at_r,
        hits=details.matches,
        misses=details.misses,
        intervals=details.intervals,
        query_milliseconds=dict(zip(TIMED_CUTS, np.median(times, axis=0).tolist(), strict=True)),
        parameters=count_parameters(folder / bundle.ENCODER),
        encoder_bytes=(folder / bundle.ENCODER).stat().st_size,
        training_seconds=sum(epoch.seconds for epoch in history),
        losses=_losses(config, history),
        history=tuple(history),
        versions=loaded.manifest.versions,
    )


def count_parameters(encoder: Path) -> int:
    """How many numbers an encoder file has learnt, the same table counted once.

    A head stands in the file twice, for the embedding and for its cells. int64 holds shapes and axes.
    """
    model = onnx.load(str(encoder))
    constants = [
        a.t for node in model.graph.node if node.op_type == "Constant" for a in node.attribute if a.HasField("t")
    ]
    learnt = [t for t in [*model.graph.initializer, *constants] if t.data_type != onnx.TensorProto.INT64 and t.dims]
    tables = {sha256(onnx.numpy_helper.to_array(t).tobytes()).digest(): t for t in learnt if len(t.dims) > 1}
    return sum(math.prod(t.dims) for t in [*tables.values(), *(t for t in learnt if len(t.dims) == 1)])


def _detail(vectors: NDArray[np.float32], among: Validation) -> Detail:
    queries, gallery = (vectors[rows] for rows in (among.queries, among.gallery))
    labels = among.labels
    try:
        return detail(queries, labels[among.queries], gallery, labels[among.gallery], same=among.own())
    except ValueError as error:
        raise SourceError(f"Nothing to measure on the test pictures: {error}.") from error


def _measured_on(config: Config, items: Sequence[Item], among: Validation, details: Detail) -> MeasuredOn:
    split = config.split
    by = f"the column {split.column}" if split.column else split.by
    digest = sha256()
    for rows in (among.queries, among.gallery):
        digest.update("\n".join([*(f"{items[row].id} {items[row].label}" for row in rows), ""]).encode())
    return MeasuredOn(
        split="the publisher's own" if split.by == "publisher" else f"by {by}, a share of {split.share:g}",
        seed=config.seed,
        queries=details.scores.queries,
        unanswerable=details.scores.unanswerable,
        gallery=len(among.gallery),
        leave_one_out=bool(np.isin(among.queries, among.gallery).all()),
        digest=digest.hexdigest()[:16],
    )


def _losses(config: Config, history: Sequence[Epoch]) -> dict[str, str]:
    names = {"autoencoder": "MSE and SSIM", "head": config.head.loss, "finetune": config.finetune.loss}
    return {stage: names[stage] for stage in dict.fromkeys(epoch.stage for epoch in history)}
