"""Who is searched for, and among whom, to tell whether a stage helped: the same for every stage of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data.sampling import sample_evenly
from trainer.data.split import TRAIN, UNLABELLED, VALIDATION
from trainer.errors import SourceError
from trainer.evaluation.metrics import SCORED, Scores, score

OWN_WEIGHT = 3
MAX_QUERIES = 2_000  # searched with after each epoch: a standard error of 1 % at most


@dataclass(frozen=True, slots=True)
class Validation:
    """Rows of the run's pictures: `queries` int64 [q] are searched among `gallery` int64 [g].

    `labels` int64 [n] say which are alike. `by_detail`: a small part of each query is searched with, and the picture
    itself is what must be found; there are no labels to go by.
    """

    queries: NDArray[np.int64]
    gallery: NDArray[np.int64]
    labels: NDArray[np.int64]
    by_detail: bool = False

    def own(self) -> NDArray[np.int64]:
        """Where each query stands in the gallery, int64 [q]; -1 where it does not."""
        places = np.minimum(np.searchsorted(self.gallery, self.queries), len(self.gallery) - 1)
        return np.where(self.gallery[places] == self.queries, places, -1)

    def scores(self, queries: NDArray[np.float32], gallery: NDArray[np.float32], *, intervals: bool = True) -> Scores:
        """Measures by cosine of the queries' embeddings [q, d] among the gallery's [g, d], with their intervals.

        A picture is left out of its own answer, unless it is just what must be found. Raises SourceError when no query
        has anything to be found by.
        """
        same = None if self.by_detail else self.own()
        try:
            labels = self.labels[self.queries], self.labels[self.gallery]
            return score(queries, labels[0], gallery, labels[1], same=same, intervals=intervals)
        except ValueError as error:
            raise SourceError(
                f"The held-out pictures cannot be measured: {error}. Choose others under [split]."
            ) from error


def by_labels(labels: NDArray[np.int64], parts: NDArray[np.int8]) -> Validation:
    """Held-out pictures among those trained on; where all their labels are new, each among the other held-out ones.

    `labels` int64 [n], UNLABELLED where there is none; `parts` int8 [n].
    """
    labelled = labels != UNLABELLED
    held_out, gallery = np.flatnonzero((parts == VALIDATION) & labelled), np.flatnonzero((parts == TRAIN) & labelled)
    if not np.isin(labels[held_out], labels[gallery]).any():
        gallery = held_out
    return Validation(sample_evenly(held_out, MAX_QUERIES), gallery, labels)


def by_new_labels(labels: NDArray[np.int64], parts: NDArray[np.int8]) -> Validation:
    """Held-out pictures, whose labels are new, among all pictures, as in a gallery that has known labels as well."""
    labelled = labels != UNLABELLED
    held_out = np.flatnonzero((parts == VALIDATION) & labelled)
    gallery = np.flatnonzero(np.isin(parts, (TRAIN, VALIDATION)) & labelled)
    return Validation(sample_evenly(held_out, MAX_QUERIES), gallery, labels)


def by_details(parts: NDArray[np.int8]) -> Validation:
    """A detail of each held-out picture, among all pictures that are not the test's."""
    rows = np.arange(len(parts))
    gallery = np.flatnonzero((parts == TRAIN) | (parts == VALIDATION))
    return Validation(sample_evenly(np.flatnonzero(parts == VALIDATION), MAX_QUERIES), gallery, rows, by_detail=True)


def best(candidates: Sequence[Scores]) -> int:
    """Which of several is best on the same held-out pictures: by recall@1, and between equals by mAP.

    Equal means that recall@1 lies no further below the highest than one standard error of their difference (the rule
    of Breiman et al. 1984, "Classification and Regression Trees", section 3.4.3): where nearly every held-out picture
    finds its like, one picture more or less is chance, while mAP still tells a good ranking from a better one. The
    error is estimated with one success and one failure added to each, as without them it vanishes where all succeed
    (Agresti & Caffo 2000, "Simple and Effective Confidence Intervals for Proportions and Differences of Proportions").
    """
    trials = candidates[0].queries + 2
    shares = [(scores.precision_at_1 * candidates[0].queries + 1) / trials for scores in candidates]
    highest = max(shares)
    equals = [
        i
        for i, share in enumerate(shares)
        if highest - share <= np.sqrt((highest * (1 - highest) + share * (1 - share)) / trials)
    ]
    return max(equals, key=lambda i: candidates[i].map)


def best_harmless(
    candidates: Sequence[Sequence[Scores]], baseline: Sequence[Scores], *, new_label_loss: float = 0.0
) -> int:
    """The best of several candidates of those that hurt nothing; the one that hurts least where all do.

    Of each candidate and of the `baseline` there are the scores on the run's own held-out pictures, and then those on
    each draw of labels held out whole. It is the weighted mean of the first and of the mean of the others that decides
    (see `best` and OWN_WEIGHT). To hurt is to have a lower mAP than the baseline in either, of new labels lower by more
    than `new_label_loss`.
    """
    allowed = np.array([0.0, new_label_loss])[: len(_maps(baseline))]
    lowest = [min(np.subtract(_maps(scores), _maps(baseline)) + allowed) for scores in candidates]
    harmless = [place for place, gain in enumerate(lowest) if gain >= 0]
    if not harmless:
        return int(np.argmax(lowest))
    return harmless[best([_both(candidates[place]) for place in harmless])]


def _both(scores: Sequence[Scores]) -> Scores:
    """The run's own split counts OWN_WEIGHT times as much as new labels do, which are a bound before all."""
    return mean([*[scores[0]] * OWN_WEIGHT, mean(scores[1:])]) if len(scores) > 1 else scores[0]


def _maps(scores: Sequence[Scores]) -> list[float]:
    """mAP on the own held-out pictures, and its mean over the draws of labels, if there are any."""
    draws = [one.map for one in scores[1:]]
    return [scores[0].map, *([float(np.mean(draws))] if draws else [])]


def mean(several: Sequence[Scores]) -> Scores:
    """The mean of each measure over several validations, with the fewest queries that any of them had."""
    means = {name: float(np.mean([getattr(scores, name) for scores in several])) for name in SCORED}
    counts = {name: min(getattr(scores, name) for scores in several) for name in ("queries", "unanswerable")}
    return Scores(**(means | counts))
