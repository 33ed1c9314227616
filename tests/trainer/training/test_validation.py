"""Who is searched for among whom, what that measures, and which of several candidates it calls best."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.marks import examples
from tests.trainer.tuning import scores
from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION
from trainer.errors import SourceError
from trainer.evaluation.metrics import Scores
from trainer.training import validation
from trainer.training.validation import best, best_harmless, by_details, by_labels, mean

ROWS = st.lists(st.tuples(st.integers(UNLABELLED, 3), st.sampled_from([TRAIN, VALIDATION, TEST])), min_size=1)


def columns(rows: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    labels, parts = zip(*rows, strict=True)
    return np.array(labels, np.int64), np.array(parts, np.int8)


def first_hits(query: int, gallery: list[int], embeddings: NDArray[np.float32]) -> list[int]:
    """Everything else, nearest first by cosine; slowly."""
    directions = [row / np.sqrt((row**2).sum()) for row in embeddings.astype(float)]
    return sorted((g for g in gallery if g != query), key=lambda g: -float(directions[query] @ directions[g]))


@settings(deadline=None, max_examples=examples(200))
@given(ROWS, st.integers(0, 99))
def test_held_out_pictures_are_searched_among_those_trained_on_or_among_each_other(
    rows: list[tuple[int, int]], seed: int
) -> None:
    labels, parts = columns(rows)
    held = [i for i, row in enumerate(rows) if row[0] != UNLABELLED and row[1] == VALIDATION]
    known = [i for i, row in enumerate(rows) if row[0] != UNLABELLED and row[1] == TRAIN]
    gallery = known if {labels[i] for i in held} & {labels[i] for i in known} else held
    among = by_labels(labels, parts)
    assert (list(among.queries), list(among.gallery)) == (held, gallery)

    answerable = [q for q in held if any(g != q and labels[g] == labels[q] for g in gallery)]
    assume(answerable)
    embeddings = np.random.default_rng(seed).normal(size=(len(rows), 5)).astype(np.float32)
    result = among.scores(embeddings[among.queries], embeddings[among.gallery])
    ranked = {q: [labels[g] == labels[q] for g in first_hits(q, gallery, embeddings)] for q in answerable}
    assert result.precision_at_1 == pytest.approx(np.mean([hits[0] for hits in ranked.values()]))
    precisions = [
        np.mean([np.mean(hits[: rank + 1]) for rank, hit in enumerate(hits) if hit]) for hits in ranked.values()
    ]
    assert result.map == pytest.approx(np.mean(precisions), abs=1e-6)
    assert (result.queries, result.unanswerable) == (len(answerable), len(held) - len(answerable))


@settings(deadline=None, max_examples=examples(100))
@given(ROWS, st.integers(0, 99))
def test_without_labels_a_detail_must_find_its_picture(rows: list[tuple[int, int]], seed: int) -> None:
    _labels, parts = columns(rows)
    held = [i for i, part in enumerate(parts) if part == VALIDATION]
    gallery = [i for i, part in enumerate(parts) if part != TEST]
    among = by_details(parts)
    assert (list(among.queries), list(among.gallery)) == (held, gallery)
    assume(held)
    clean = np.random.default_rng(seed).normal(size=(len(rows), 3))
    details = clean + 0.5 * np.random.default_rng(seed + 1).normal(size=clean.shape)
    both = np.concatenate([clean, details]).astype(np.float32)
    result = among.scores(both[len(rows) :][held], both[:][gallery])
    places = [first_hits(len(rows) + q, gallery, both).index(q) for q in held]
    assert result.precision_at_1 == pytest.approx(np.mean([place == 0 for place in places]))
    assert result.map == pytest.approx(np.mean([1 / (1 + place) for place in places]), abs=1e-6)


def test_where_no_held_out_picture_has_its_like_the_split_is_to_blame() -> None:
    among = by_labels(np.arange(6), np.array([TRAIN, TRAIN, TRAIN, VALIDATION, VALIDATION, VALIDATION], np.int8))
    with pytest.raises(SourceError, match=r"\[split\]"):
        among.scores(np.ones((3, 2), np.float32), np.ones((3, 2), np.float32))


def test_of_many_held_out_pictures_some_from_all_over_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, parts = np.tile(np.arange(3), 40), np.repeat(np.array([TRAIN, VALIDATION], np.int8), 60)
    for most in (60, 59, 7, 1):
        monkeypatch.setattr(validation, "MAX_QUERIES", most)
        for among in (by_labels(labels, parts), by_details(parts)):
            assert most / 2 <= len(among.queries) <= most
            assert set(among.queries) <= set(range(60, 120))
            assert np.ptp(np.diff(among.queries)) == 0 if most > 1 else among.queries.tolist() == [60]
    assert len(among.gallery) == 120


# --- choosing


@pytest.mark.parametrize(
    ("candidates", "wanted"),
    [
        ([(0.5, 0.1), (0.9, 0.1), (0.6, 0.9)], 1),  # far better at the first hit
        ([(0.86, 0.5), (0.90, 0.4)], 0),  # within a standard error of 0.045: the better ranking
        ([(0.84, 0.5), (0.90, 0.4)], 1),  # beyond it
        ([(0.90, 0.5), (0.90, 0.5), (0.90, 0.5)], 0),  # of equals the first
        ([(1.0, 0.5), (0.99, 0.9)], 1),  # one of a hundred is chance at 1.0, too
        ([(1.0, 0.5), (0.97, 0.9)], 0),  # three are not
        ([(0.0, 0.1), (0.0, 0.2)], 1),
        ([(0.3, 0.3)], 0),
    ],
)
def test_the_best_is_first_by_the_first_hit_then_by_the_ranking(
    candidates: list[tuple[float, float]], wanted: int
) -> None:
    assert best([scores(*candidate) for candidate in candidates]) == wanted


def test_more_held_out_pictures_make_smaller_differences_count() -> None:
    for queries, wanted in ((100, 0), (10_000, 1)):
        assert best([scores(0.88, 0.5, queries), scores(0.90, 0.4, queries)]) == wanted


def test_the_mean_of_two_validations_trusts_the_smaller_one() -> None:
    result = mean([Scores(0.5, 0.4, 0.3, 0.2, 0.1, 90, 4), Scores(0.7, 0.6, 0.5, 0.4, 0.3, 10, 0)])
    assert [
        getattr(result, name) for name in ("precision_at_1", "precision_at_10", "recall_at_10", "map", "map_at_r")
    ] == (pytest.approx([0.6, 0.5, 0.4, 0.3, 0.2]))
    assert (result.queries, result.unanswerable) == (10, 0)


def maps(own: float, *draws: float) -> list[Scores]:
    """Measures in the own split and on draws of labels, alike but for their mAP."""
    return [scores(0.5, value) for value in (own, *draws)]


@pytest.mark.parametrize(
    ("candidates", "wanted"),
    [
        ([maps(0.9, 0.4, 0.4), maps(0.7, 0.5, 0.5), maps(0.68, 0.6, 0.6)], 2),  # the mean of both questions
        ([maps(0.9, 0.4, 0.4), maps(0.7, 0.1, 0.9), maps(0.65, 0.2, 0.76)], 1),  # a draw may lose where the mean gains
        ([maps(0.4, 0.9, 0.9), maps(0.6, 0.5, 0.5)], 1),  # known labels are not to be hurt either
        ([maps(0.9, 0.30, 0.40), maps(0.7, 0.40, 0.45), maps(0.48, 0.6, 0.6)], 2),  # all hurt: the least
        ([maps(0.6), maps(0.7)], 1),
    ],
)
def test_the_best_that_hurts_neither_known_nor_new_labels(candidates: list[list[Scores]], wanted: int) -> None:
    assert best_harmless(candidates, maps(0.5, 0.45, 0.5)[: len(candidates[0])]) == wanted


def test_new_labels_may_cost_what_is_allowed_and_known_ones_nothing() -> None:
    candidates = [maps(0.9, 0.44, 0.44), maps(0.7, 0.5, 0.5), maps(0.49, 0.9, 0.9)]
    baseline = maps(0.5, 0.45, 0.5)
    assert best_harmless(candidates, baseline) == 1
    assert best_harmless(candidates, baseline, new_label_loss=0.04) == 0
