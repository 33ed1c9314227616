"""Query expansion: the same as the API does, and chosen only where held-out pictures gain by it."""

import numpy as np
import pytest

from retrieval.vectors.blending import expand
from trainer.evaluation.expansion import choose_expansion, expanded
from trainer.evaluation.reliability import HeldOutSearch


def shop(*, labels: int = 12, each: int = 14, noise: float, seed: int = 0) -> HeldOutSearch:
    """Labels as directions of 32 dims; the more noise, the less a query tells, and the more its neighbours do."""
    rng = np.random.default_rng(seed)
    centres, numbers = rng.normal(size=(labels, 32)), np.repeat(np.arange(labels), each)
    vectors = (centres[numbers] + noise * rng.normal(size=(len(numbers), 32))).astype(np.float32)
    queries = np.arange(len(numbers)) % 2 == 0
    own = np.full(int(queries.sum()), -1)
    return HeldOutSearch(vectors[queries], numbers[queries], vectors[~queries], numbers[~queries], own)


def test_each_query_is_moved_to_its_own_nearest() -> None:
    search = shop(noise=1.0)
    search.same[0] = 3
    moved = expanded(search, 4)
    for row in (0, 5, 40):
        cosines = search.gallery @ search.queries[row] / np.linalg.norm(search.gallery, axis=1)
        cosines[search.same[row]] = -np.inf if search.same[row] >= 0 else cosines[search.same[row]]
        nearest = np.argsort(-cosines)[:4]
        assert moved.queries[row] == pytest.approx(expand(search.queries[row], search.gallery[nearest]), abs=1e-5)
    assert moved.gallery is search.gallery


def test_it_is_chosen_where_it_helps_and_says_by_how_much() -> None:
    chosen = choose_expansion(shop(noise=1.0), shop(noise=1.0, seed=1))
    assert chosen is not None
    assert chosen.neighbours in (1, 2, 3, 5, 8)
    assert 0 < chosen.gain.low <= chosen.gain.value


def test_nothing_is_chosen_where_it_does_not_help_or_harms_new_labels_or_little_is_held_out() -> None:
    assert choose_expansion(shop(noise=0.01), None) is None  # all is found already
    rng = np.random.default_rng(0)
    chance = shop(noise=1.0)
    vectors = rng.normal(size=chance.gallery.shape).astype(np.float32)
    assert (
        choose_expansion(
            HeldOutSearch(chance.queries, chance.query_labels, vectors, chance.gallery_labels, chance.same), None
        )
        is None
    )
    few = shop(noise=1.0, labels=4, each=8)
    assert choose_expansion(few, None) is None
