"""Whether a bundle may go live: the pinned queries asked of it and of the live one, and the answers compared."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import bundle
from retrieval.bundle import Bundle
from trainer.evaluation.bootstrap import intervals
from trainer.evaluation.rankings import TrueMatches, similarities
from trainer.evaluation.results import Interval
from trainer.progress import Listener
from trainer.releases.pinned import Pin
from trainer.releases.replay import PinnedVectors, replay, trained_on


@dataclass(frozen=True, slots=True)
class Change:
    """How the answers to the pinned queries change when one bundle replaces another.

    `difference` is that of mAP, with its interval. `worst_label` loses most, None if none does. `missing` counts
    pinned pictures whose files are missing or have changed. `trained_on` and `live_trained_on` count the queries that a
    bundle was trained on, which raises its score; None where that is not known.
    """

    queries: int
    changed: int
    map_before: float
    map_after: float
    difference: Interval
    worst_label: str | None
    worst: float
    missing: int
    trained_on: int | None
    live_trained_on: int | None

    @property
    def significantly_worse(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.difference.high < 0

    def __str__(self) -> str:
        worst = f"worst label {self.worst_label} {self.worst:+.2f}" if self.worst_label else "no label gets worse"
        return (
            f"{self.changed} of {self.queries} answers change; mAP {self.map_before:.2f} -> {self.map_after:.2f} "
            f"[{self.difference.low:+.2f}, {self.difference.high:+.2f}]; {worst}"
        )


def compare(artifacts: Path, new: Bundle, live: Bundle, pins: Sequence[Pin], listener: Listener) -> Change | None:
    """Ask every pinned query of both bundles, each among all other pinned pictures.

    Pictures that are gone are left out. One that a bundle refuses is found nowhere by it, and gets no answer from it.
    None where no query is left that has a true match.
    """
    with listener.step("Replaying pinned queries") as progress:
        after = replay(artifacts, new, pins, progress)
        before = replay(artifacts, live, pins, progress)
    vanished = after.vanished | before.vanished
    rows = np.flatnonzero(~vanished)
    remaining = [pins[row] for row in rows.tolist()]
    labels = np.array([pin.label for pin in remaining])
    sizes = Counter(pin.label for pin in remaining)
    query_rows = np.array([row for row, pin in enumerate(remaining) if pin.query and sizes[pin.label] > 1], np.int64)
    if not len(query_rows):
        return None
    precision_before, first_before = _answers(before, rows, labels, query_rows)
    precision_after, first_after = _answers(after, rows, labels, query_rows)
    difference = precision_after - precision_before
    worst, label = min(
        (float(difference[labels[query_rows] == name].mean()), name) for name in np.unique(labels[query_rows])
    )
    digests = [remaining[query].sha256 for query in query_rows.tolist()]
    return Change(
        queries=len(query_rows),
        changed=int(np.count_nonzero(first_after != first_before)),
        map_before=float(precision_before.mean()),
        map_after=float(precision_after.mean()),
        difference=_interval(difference, labels[query_rows]),
        worst_label=str(label) if worst < 0 else None,
        worst=worst,
        missing=int(np.count_nonzero(vanished)),
        trained_on=_trained_on(artifacts, new, digests),
        live_trained_on=_trained_on(artifacts, live, digests),
    )


def _answers(
    replayed: PinnedVectors, rows: NDArray[np.int64], labels: NDArray[np.str_], query_rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The average precision of each query [q], as metrics defines it, and the row of its first hit [q]; -1 for none."""
    vectors, has_vector = replayed.vectors[rows], replayed.available[rows]
    nearness = similarities(vectors[query_rows], vectors, "cosine")
    nearness[:, ~has_vector] = -np.inf
    nearness[np.arange(len(query_rows)), query_rows] = -np.inf  # no query is its own answer
    order = np.argsort(-nearness, axis=1, kind="stable")
    hits = (labels[order] == labels[query_rows, None]) & (np.take_along_axis(nearness, order, axis=1) > -np.inf)
    at = TrueMatches.of(hits)
    match_counts = np.array([np.count_nonzero(labels == labels[query]) - 1 for query in query_rows])
    answered = has_vector[query_rows]
    first = np.where(answered & (nearness.max(axis=1) > -np.inf), order[:, 0], -1)
    return np.where(answered, at.sums(at.precision) / match_counts, 0.0), first


def _interval(differences: NDArray[np.float64], labels: NDArray[np.str_]) -> Interval:
    """The mean of paired differences [q], and how sure it is, by bootstrap over the labels."""
    (interval,) = intervals(differences[:, None], labels)
    return interval or Interval(0.0, 0.0, 0.0)


def _trained_on(artifacts: Path, loaded: Bundle, digests: Sequence[str]) -> int | None:
    return trained_on(bundle.bundle_path(artifacts, loaded.manifest.id), loaded.manifest, digests)
