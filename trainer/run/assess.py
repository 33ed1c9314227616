"""What a new bundle is worth, measured before it is written: calibration, both protocols, the search and its time."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.calibration import Calibration, Meaning
from retrieval.clusters import Metric
from retrieval.encoding.embedder import Embedder
from retrieval.manifest import Expansion
from retrieval.vectors.base import VectorStore
from retrieval.vectors.margins import Margins
from retrieval.vectors.stores import EmbeddedStores
from trainer.data.sampling import sample_evenly
from trainer.data.split import TRAIN
from trainer.evaluation.calibration import MIN_PAIRS, calibrate
from trainer.evaluation.judged import JudgedHits, bent
from trainer.evaluation.reliability import Pairs
from trainer.evaluation.results import Evaluation, Reliability
from trainer.evaluation.search_quality.latency import query_milliseconds
from trainer.evaluation.search_quality.probe_sweep import sweep_probes
from trainer.indexing import GalleryIndex
from trainer.progress import Listener
from trainer.run.held_out import calibration_pairs, chosen_expansion, pairs_of_new_situations, protocols
from trainer.run.live_baseline import live_vectors
from trainer.training.tuning import Tuning

MAX_QUERIES = 500  # searched with to measure the search itself
MAX_TIMED = 50


@dataclass(frozen=True, slots=True)
class Assessment:
    """How sure the bundle may be of its hits, None where that cannot be told; and what it is worth."""

    calibration: Calibration | None
    evaluation: Evaluation
    expansion: Expansion | None = None


def assess(
    tuning: Tuning,
    published: NDArray[np.float32],
    reduced: GalleryIndex,
    auto_probes: int,
    margins: Margins | None,
    artifacts: Path,
    *,
    max_queries: int = MAX_QUERIES,
) -> Assessment:
    """Measure the model that `tuning` has reached, also against what is live in `artifacts`.

    `published` float32 [n, e]: all pictures by its encoder. The search itself is measured by `max_queries` at most.
    """
    listener = tuning.listener
    expansion = _expansion(tuning, published)
    tuning.expand = expansion.neighbours if expansion else 0
    with listener.step("Calibrating") as progress:
        meaning: Meaning = "label" if _by_labels(tuning) else "picture"
        judged = _judged_hits(tuning)
        pairs = calibration_pairs(tuning, published, progress, judged)
        fitted = calibrate(pairs, meaning) if pairs else None
        elsewhere = pairs_of_new_situations(tuning, published, progress) if fitted and not tuning.is_refit else {}
    calibration, reliabilities = fitted or (None, {})
    _tell(calibration, reliabilities, listener)
    if calibration is not None and judged is not None:
        calibration, count = bent(calibration, judged)
        if count:
            listener.note(f"The probabilities are bent towards what people said of {count} hits.")
    if calibration is not None and elsewhere:
        _tell_of_new_situations(calibration, elsewhere["cosine"], listener)
    with listener.step("Measuring what was held out"):
        measured = protocols(tuning, published, live_vectors(artifacts, tuning.pictures.files))
    with listener.step("Measuring the search") as progress:
        rows = _queries(tuning, max_queries)
        ids = [opened.picture.id for opened in tuning.pictures.files]
        with closing(_store(tuning.work, reduced, ids, margins)) as store:
            ladder = sweep_probes(store, len(reduced.clusters), reduced.vectors[rows], [ids[row] for row in rows])
            embedder = Embedder(tuning.encoders.onnx, reduced.projection, tuning.pictures.opener, tuning.pictures.fit)
            paths = [tuning.pictures.files[row].picture.path for row in rows]
            if expansion is not None:
                expansion = expansion.model_copy(update={"milliseconds": _search_milliseconds(store, reduced, rows)})
            times = query_milliseconds(paths, embedder, store, "cosine", progress)
    evaluation = Evaluation(
        bundle_id=tuning.work.name,
        protocols=measured,
        ladder=ladder,
        auto_probes=auto_probes,
        query_milliseconds_p50=float(np.median(times)) if len(times) else None,
        query_milliseconds_p95=float(np.percentile(times, 95)) if len(times) else None,
        reliability=reliabilities,
    )
    return Assessment(calibration, evaluation, expansion)


def _expansion(tuning: Tuning, published: NDArray[np.float32]) -> Expansion | None:
    """What the configuration wants, or held-out pictures say where it leaves that to them."""
    wanted = tuning.config.search.expand
    if wanted != "auto":
        return Expansion(neighbours=wanted) if wanted else None
    with tuning.listener.step("Expanding queries"):
        chosen = chosen_expansion(tuning, published)
    if chosen is None:
        tuning.listener.note("Query expansion: no better on the held-out pictures, so queries stay as they are.")
        return None
    gain = chosen.gain
    tuning.listener.note(
        f"Query expansion by {chosen.neighbours}: mAP {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] on the "
        "held-out pictures."
    )
    return Expansion(neighbours=chosen.neighbours, gain=round(gain.value, 4))


def _search_milliseconds(store: VectorStore, reduced: GalleryIndex, rows: list[int]) -> float:
    """The median of a search among the vectors: what expansion adds to each."""
    times = []
    for row in rows[:MAX_TIMED]:
        began = time.perf_counter()
        store.search(reduced.vectors[row], k=10, metric="cosine")
        times.append(1000 * (time.perf_counter() - began))
    return round(float(np.median(times)), 3)


def _judged_hits(tuning: Tuning) -> JudgedHits | None:
    pairs = tuning.judged
    return None if pairs is None else JudgedHits(pairs.rows[pairs.hits], pairs.same[pairs.hits])


def _by_labels(tuning: Tuning) -> bool:
    """Whether a true match is one of the same label."""
    return tuning.pictures.supervised and len(np.unique(tuning.pictures.labels)) > 1


def _tell(calibration: Calibration | None, reliabilities: Mapping[Metric, Reliability], listener: Listener) -> None:
    if calibration is None:
        listener.note(
            f"Not calibrated: it takes {MIN_PAIRS} pairs that were not trained on, matches and others among them."
        )
        return
    what = "the same label" if calibration.meaning == "label" else "the same picture, as there are no labels"
    errors = ", ".join(f"{reliability.ece:.3f} ({metric})" for metric, reliability in reliabilities.items())
    listener.note(f"Calibrated on {calibration.pairs} pairs for {what}: expected calibration error {errors}.")


SURE = 0.9
"""The probability by whose example it is told what another situation costs."""


def _tell_of_new_situations(calibration: Calibration, pairs: Pairs, listener: Listener) -> None:
    """What hits are worth whose query is unlike the gallery's pictures, though the curve calls them sure."""
    sure = calibration.cosine.probability(pairs.distances) >= SURE
    if not sure.any():
        return
    listener.note(
        "Probabilities are for another photograph like these, as the split is by image. Of the hits called "
        f"{SURE:.0%} sure or more, {pairs.matches[sure].mean():.0%} are right for queries from a new situation; where "
        'all of yours are, hold situations out: by = "column" or "publisher" under [split].'
    )


def _queries(tuning: Tuning, max_queries: int) -> list[int]:
    """Held-out pictures from all over the list, or any where none are held out."""
    held_out = np.flatnonzero(tuning.pictures.parts != TRAIN)
    rows = held_out if len(held_out) else np.arange(len(tuning.pictures.parts))
    sample: list[int] = sample_evenly(rows, max_queries).tolist()
    return sample


def _store(work: Path, reduced: GalleryIndex, ids: list[str], margins: Margins | None) -> VectorStore:
    """The vectors as they will be served, in the run's own folder."""
    stores = EmbeddedStores(work)
    stores.delete(work.name)
    stores.create(work.name, reduced.clusters, ids=ids, vectors=reduced.vectors)
    return stores.open(work.name, reduced.clusters, margins=margins)
