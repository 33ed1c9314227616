"""The pictures that people are asked about first are those whose labels are missing where it matters, or wrong."""

import numpy as np

from trainer.data.split import UNLABELLED
from trainer.learning.questions import informativeness, most_informative


def islands(labels: int = 5, each: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = np.eye(labels, 16)
    numbers = np.repeat(np.arange(labels), each)
    return (centres[numbers] + 0.05 * rng.normal(size=(len(numbers), 16))).astype(np.float32), numbers


def test_wrong_labels_and_open_ones_come_first() -> None:
    vectors, true = islands()
    between = (vectors[0] + vectors[25]) / 2
    vectors, labels = np.vstack([vectors, between]), np.append(true, UNLABELLED)
    wrong = [3, 44]
    labels[wrong] = [4, 1]
    labels[70] = UNLABELLED  # in the midst of its own: nothing to learn from
    worth, suggested = informativeness(vectors, labels)
    assert set(np.argsort(-worth)[:3]) == {*wrong, 100}
    assert suggested[wrong].tolist() == true[wrong].tolist()
    assert worth[70] < 0.1
    assert set(most_informative(vectors, labels, 3)) == {*wrong, 100}
    assert not {3, 100} & set(most_informative(vectors, labels, 10, answered={3, 100}))


def test_of_pictures_that_teach_the_same_one_is_asked_about() -> None:
    vectors, labels = islands()
    labels[[1, 2, 3]] = 4
    first = most_informative(vectors, labels, 3)
    assert len({1, 2, 3} & set(first.tolist())) == 1


def test_without_any_label_everything_is_open() -> None:
    vectors, labels = islands()
    worth, suggested = informativeness(vectors, np.full(len(labels), UNLABELLED))
    assert (worth == 1).all() and (suggested == UNLABELLED).all()
    assert informativeness(vectors, np.zeros(len(labels), np.int64))[0].max() == 0
