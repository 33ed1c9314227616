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
from trainer.errors import SourceError
from trainer.evaluation.latency import query_milliseconds
from trainer.evaluation.leaks import Alike, SamePicture, find_alike, left_out
from trainer.evaluation.probe_sweep import sweep_probes
from trainer.evaluation.protocols import evaluate_vectors
from trainer.evaluation.query_gallery import CANDIDATE, EmbeddedSet, EvaluationData, Step, all_items, load_others
from trainer.evaluation.results import Evaluation, LadderRow, Leak, Missing, Name, Protocol
from trainer.evaluation.training_split import TrainedOn, trained_on
from trainer.sources.base import Skipped

NO_QUERY: Mapping[Name, str] = {
    "known labels": "no query has a label that was trained on",
    "new labels": "every query has a label that was trained on",
}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What was measured, which pictures could not be used, and what else their owner should know."""

    evaluation: Evaluation
    skipped: Sequence[Skipped]
    notes: Sequence[str]


def evaluate(
    artifacts: Path,
    queries: str | None,
    gallery: str | None,
    metric: Metric,
    step: Step,
    *,
    name: str = LIVE,
    against: Sequence[str] = (),
    ladder: bool = True,
    same_picture: SamePicture | None = None,
) -> Evaluated:
    """Measure a bundle, named as in `load_named`, on the source `queries`, or on the pictures that it held out.

    They are searched in the source `gallery`, or in the catalogue. What this bundle, or one `against` which it is held,
    was trained on is no query. A picture on both sides is left out of its own answer; copies are found by
    their bytes, and with `same_picture` by what they show. Raises SourceError where there is nothing to search with,
    and BundleError for a bundle that cannot be read.
    """
    candidate = load_named(artifacts, name)
    others = load_others(artifacts, candidate, against)
    items = all_items(candidate.artifacts)
    learned = trained_on(candidate.folder, items)
    seen = set(learned.digests)
    for other in others.values():
        seen |= set(trained_on(other.folder, all_items(other.artifacts)).digests)
    if queries is None and not learned.held_out:
        raise SourceError(_nothing_left(queries, items, candidate.bundle))
    with closing(open_store(candidate.artifacts, candidate.bundle)) as store:
        data = EvaluationData(candidate, others, store, step)
        asked = (
            data.from_catalogue("queries", learned.held_out)
            if queries is None
            else data.from_source("queries", queries)
        )
        fresh = asked.subset(np.array([digest not in seen for digest in asked.digests], bool))
        if not fresh.pictures:
            raise SourceError(_nothing_left(queries, items, candidate.bundle))
        searched = data.from_catalogue("gallery", items) if gallery is None else data.from_source("gallery", gallery)
        with step("Looking for the same picture"):
            alike = find_alike([fresh.files, searched.files], same_picture)
        with step("Measuring"):
            protocols, leaks = _protocols(fresh, searched, learned, alike, metric)
        with step("Timing queries") as progress:
            times = query_milliseconds(
                [p.path for p in fresh.pictures], candidate.bundle.embedder, store, metric, progress
            )
        rows: tuple[LadderRow, ...] = ()
        if ladder:
            with step("Measuring the search"):
                rows = sweep_probes(
                    store, len(candidate.bundle.clusters), fresh.vectors[CANDIDATE], _own_items(fresh, items)
                )
    skipped = [*asked.skipped, *searched.skipped]
    evaluation = Evaluation(
        bundle_id=candidate.bundle.manifest.id,
        protocols=protocols,
        leaks=leaks,
        ladder=rows,
        auto_probes=candidate.bundle.auto_probes,
        query_milliseconds_p50=float(np.median(times)) if times else None,
        query_milliseconds_p95=float(np.percentile(times, 95)) if times else None,
        metric=metric,
        trained_on=len(asked.pictures) - len(fresh.pictures),
        skipped=len(skipped),
    )
    return Evaluated(evaluation, skipped, _notes(learned))


def _protocols(
    fresh: EmbeddedSet, searched: EmbeddedSet, learned: TrainedOn, alike: Alike, metric: Metric
) -> tuple[tuple[Protocol | Missing, ...], tuple[Leak, ...]]:
    """Known labels in the gallery; new ones in the gallery and among each other."""
    known = np.isin(fresh.labels, sorted(learned.labels))
    old, new = fresh.subset(known), fresh.subset(~known)
    of_old, old_leaks = _protocol("known labels", old, searched, alike, metric)
    of_new, new_leaks = _protocol("new labels", new, searched.union(new), alike, metric)
    return (of_old, of_new), (*old_leaks, *new_leaks)


def _protocol(
    name: Name, queries: EmbeddedSet, gallery: EmbeddedSet, alike: Alike, metric: Metric
) -> tuple[Protocol | Missing, tuple[Leak, ...]]:
    if not queries.pictures:
        return Missing(name, NO_QUERY[name]), ()
    same, leaks = left_out(queries.files, gallery.files, alike)
    against = {
        other: (queries.vectors[other], gallery.vectors[other]) for other in queries.vectors if other != CANDIDATE
    }
    vectors = queries.vectors[CANDIDATE], queries.labels, gallery.vectors[CANDIDATE], gallery.labels
    try:
        return evaluate_vectors(*vectors, same, metric=metric, name=name, against=against), leaks
    except ValueError as error:
        return Missing(name, f"{error}. They are compared as text"), leaks


def _own_items(queries: EmbeddedSet, items: Sequence[Item]) -> list[str | None]:
    """The item whose file each query is, if there is one."""
    by_content = {item.sha256: item.id for item in items}
    return [by_content.get(digest) for digest in queries.digests]


def _nothing_left(queries: str | None, items: Sequence[Item], candidate: Bundle) -> str:
    """Why there is no query, and what to do."""
    if queries is None and not any(item.label for item in items):
        return "The catalogue has no labelled items to search with; name labelled pictures: --queries."
    who = f"bundle {candidate.manifest.id}"
    if queries is None:
        said = f"{who} held nothing back: a head is fitted once more on the pictures that it was chosen by"
    else:
        said = f"{who}, or one that it is held against, was trained on every picture of {queries}"
    return f"There is nothing to measure by: {said}. Name labelled pictures that are new to it: --queries."


def _notes(learned: TrainedOn) -> list[str]:
    if not learned.gone:
        return []
    return [
        f"{learned.gone} pictures that were trained on are in the catalogue no longer: a label that only they had "
        "counts as new, and a bundle of an older version cannot tell whether they are among the queries."
    ]
