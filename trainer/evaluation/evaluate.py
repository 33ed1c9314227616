"""How good a bundle is on pictures that it has not been trained on: through its ONNX file, PCA and all.

The story: find the queries and the gallery, see them through the bundle and those it is held against, leave out what
was trained on, and measure known and new labels apart. TensorFlow is not needed for any of it.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.bundle import Bundle
from retrieval.catalogue import Item
from retrieval.clusters import Metric
from trainer.bundles import LIVE, load_named, open_store
from trainer.data.labelled import LabelledPictures
from trainer.errors import SourceError
from trainer.evaluation.inputs.leaks import Alike, SamePicture, find_alike, left_out
from trainer.evaluation.inputs.query_gallery import CANDIDATE, EmbeddedSet, EvaluationData, Step, all_items, load_others
from trainer.evaluation.inputs.training_split import TrainingRecord, trained_on
from trainer.evaluation.protocols import evaluate_vectors
from trainer.evaluation.reliability import HeldOutSearch, stated
from trainer.evaluation.results import Evaluation, LadderRow, Leak, Missing, Name, Protocol, Reliability
from trainer.evaluation.search_quality.latency import query_milliseconds
from trainer.evaluation.search_quality.probe_sweep import sweep_probes
from trainer.sources.base import Skipped

NO_QUERY: Mapping[Name, str] = {
    "known labels": "no query has a label that was trained on",
    "new labels": "every query has a label that was trained on",
}


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What was measured, which pictures could not be used, and what else their owner should know."""

    evaluation: Evaluation
    skipped: Sequence[Skipped]
    notes: Sequence[str]


def evaluate(
    artifacts: Path,
    queries: LabelledPictures | None,
    gallery: LabelledPictures | None,
    metric: Metric,
    step: Step,
    *,
    name: str = LIVE,
    against: Sequence[str] = (),
    ladder: bool = True,
    same_picture: SamePicture | None = None,
) -> EvaluationResult:
    """Measure a bundle, named as in `load_named`, on `queries`, or on the pictures that it held out.

    They are searched in `gallery`, or in the catalogue. What this bundle, or one `against` which it is held,
    was trained on is no query. A picture on both sides is left out of its own answer; copies are found by
    their bytes, and with `same_picture` by what they show. Raises SourceError where there is nothing to search with,
    and BundleError for a bundle that cannot be read.
    """
    candidate = load_named(artifacts, name)
    others = load_others(artifacts, candidate, against)
    items = all_items(candidate.artifacts)
    learned = trained_on(candidate.folder, items)
    trained_digests = set(learned.digests)
    for other in others.values():
        trained_digests |= set(trained_on(other.folder, all_items(other.artifacts)).digests)
    if queries is None and not learned.held_out:
        raise SourceError(_nothing_left(queries, items, candidate.bundle))
    with closing(open_store(candidate.artifacts, candidate.bundle)) as store:
        data = EvaluationData(candidate, others, store, step)
        all_queries = (
            data.from_catalogue("queries", learned.held_out)
            if queries is None
            else data.from_source("queries", queries)
        )
        query_set = all_queries.subset(
            np.array([digest not in trained_digests for digest in all_queries.digests], bool)
        )
        if not query_set.pictures:
            raise SourceError(_nothing_left(queries, items, candidate.bundle))
        gallery_set = data.from_catalogue("gallery", items) if gallery is None else data.from_source("gallery", gallery)
        similar = find_alike([query_set.files, gallery_set.files], same_picture)
        with step("Measuring"):
            protocols, leaks = _protocols(query_set, gallery_set, learned, similar, metric)
            reliabilities = _reliability(candidate.bundle, query_set, gallery_set, similar, metric)
        with step("Timing queries") as progress:
            times = query_milliseconds(
                [p.path for p in query_set.pictures], candidate.bundle.embedder, store, metric, progress
            )
        ladder_rows: tuple[LadderRow, ...] = ()
        if ladder:
            with step("Measuring the search"):
                ladder_rows = sweep_probes(
                    store, len(candidate.bundle.clusters), query_set.vectors[CANDIDATE], _own_items(query_set, items)
                )
    skipped = [*all_queries.skipped, *gallery_set.skipped]
    evaluation = Evaluation(
        bundle_id=candidate.bundle.manifest.id,
        protocols=protocols,
        leaks=leaks,
        ladder=ladder_rows,
        auto_probes=candidate.bundle.auto_probes,
        query_milliseconds_p50=float(np.median(times)) if len(times) else None,
        query_milliseconds_p95=float(np.percentile(times, 95)) if len(times) else None,
        reliability=reliabilities,
        metric=metric,
        trained_on=len(all_queries.pictures) - len(query_set.pictures),
        skipped=len(skipped),
    )
    return EvaluationResult(evaluation, skipped, _notes(learned))


def _protocols(
    queries: EmbeddedSet, gallery: EmbeddedSet, learned: TrainingRecord, similar: Alike, metric: Metric
) -> tuple[tuple[Protocol | Missing, ...], tuple[Leak, ...]]:
    """Known labels in the gallery; new ones in the gallery and among each other."""
    is_known = np.isin(queries.labels, sorted(learned.labels))
    known_queries, new_queries = queries.subset(is_known), queries.subset(~is_known)
    known_protocol, known_leaks = _protocol("known labels", known_queries, gallery, similar, metric)
    new_protocol, new_leaks = _protocol("new labels", new_queries, gallery.union(new_queries), similar, metric)
    return (known_protocol, new_protocol), (*known_leaks, *new_leaks)


def _protocol(
    name: Name, queries: EmbeddedSet, gallery: EmbeddedSet, similar: Alike, metric: Metric
) -> tuple[Protocol | Missing, tuple[Leak, ...]]:
    if not queries.pictures:
        return Missing(name, NO_QUERY[name]), ()
    same, leaks = left_out(queries.files, gallery.files, similar)
    against = {
        other: (queries.vectors[other], gallery.vectors[other]) for other in queries.vectors if other != CANDIDATE
    }
    vectors = queries.vectors[CANDIDATE], queries.labels, gallery.vectors[CANDIDATE], gallery.labels
    try:
        return evaluate_vectors(*vectors, same, metric=metric, name=name, against=against), leaks
    except ValueError as error:
        return Missing(name, f"{error}. They are compared as text"), leaks


def _reliability(
    candidate: Bundle, queries: EmbeddedSet, gallery: EmbeddedSet, similar: Alike, metric: Metric
) -> dict[Metric, Reliability]:
    """Whether the bundle's match probabilities hold for the first hits of these queries; empty where it has none."""
    if candidate.calibration is None or not gallery.pictures:
        return {}
    same, _leaks = left_out(queries.files, gallery.files, similar)
    numbers = np.unique(np.concatenate([queries.labels, gallery.labels]), return_inverse=True)[1].astype(np.int64)
    search = HeldOutSearch(
        queries.vectors[CANDIDATE],
        numbers[: len(queries.labels)],
        gallery.vectors[CANDIDATE],
        numbers[len(queries.labels) :],
        same,
    )
    reliability = stated(candidate.calibration, search, metric)
    return {} if reliability is None else {metric: reliability}


def _own_items(queries: EmbeddedSet, items: Sequence[Item]) -> list[str | None]:
    """The item whose file each query is, if there is one."""
    by_content = {item.sha256: item.id for item in items}
    return [by_content.get(digest) for digest in queries.digests]


def _nothing_left(queries: LabelledPictures | None, items: Sequence[Item], candidate: Bundle) -> str:
    """Why there is no query, and what to do."""
    if queries is None and not any(item.label for item in items):
        return "The catalogue has no labelled items to search with; name labelled pictures: --queries."
    subject = f"bundle {candidate.manifest.id}"
    if queries is None:
        reason = f"{subject} held nothing back: a head is fitted once more on the pictures that it was chosen by"
    else:
        reason = f"{subject}, or one that it is held against, was trained on every picture of {queries.source}"
    return f"There is nothing to measure by: {reason}. Name labelled pictures that are new to it: --queries."


def _notes(learned: TrainingRecord) -> list[str]:
    if not learned.missing:
        return []
    return [
        f"{learned.missing} pictures that were trained on are in the catalogue no longer: a label that only they had "
        "counts as new, and a bundle of an older version cannot tell whether they are among the queries."
    ]
