"""Learning from answers: labels that are missing or wrong, and a user who is asked about ten pictures a round.

A fifth of the labels of grocery's training pictures is taken away, and one in twenty is wrong. After each round the
head is fitted anew from cached features, as `lookalike learn` does it, and the test pictures are searched among the
training pictures. The user knows every label.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.setup import WORK, grocery, publish, table
from trainer.config import CONFIGS, load_config
from trainer.data import features
from trainer.data.features import Views
from trainer.data.sampling import sample_evenly
from trainer.data.split import TRAIN, UNLABELLED, number_labels
from trainer.evaluation.metrics import score
from trainer.learning.questions import most_informative
from trainer.networks.closed_form import Candidate, principal_directions
from trainer.sources import read_source
from trainer.training.examples import Examples
from trainer.training.head import fit_head

REMOVED, WRONG = 0.2, 0.05
QUESTIONS, ROUNDS, SEEDS = 10, 20, 3
SHOWN = (0, 5, 10, 15, 20)
MAX_QUERIES = 800
WIDTH = 512  # directions of the features that heads are fitted in
START = Candidate(0.2, 128, 0.4)
CONFIG = load_config(CONFIGS / "demo.toml")
HEAD = CONFIG.head.model_copy(update={"max_epochs": 0})

Floats: TypeAlias = NDArray[np.float32]
Labels: TypeAlias = NDArray[np.int64]
Choose: TypeAlias = Callable[[Floats, Labels, set[int], np.random.Generator], Labels]


def main() -> None:
    """Both ways to ask, by the same three draws of what is missing and wrong."""
    with threadpool_limits(1):
        gallery, queries, labels, query_labels = _data()
        rows = []
        for name, choose in (("most informative first", _informative), ("at random", _random)):
            curves = [simulate(gallery, labels, queries, query_labels, choose, seed) for seed in range(SEEDS)]
            mean, spread = np.mean(curves, axis=0), np.std(curves, axis=0)
            rows.append((name, *(f"{mean[shown]:.3f} ± {spread[shown]:.3f}" for shown in SHOWN)))
        best = map_of(gallery, labels, queries, query_labels, labels)
    rows.append(("with every label right", *[f"{best:.3f}"] * len(SHOWN)))
    header = "asked | " + " | ".join(f"{shown * QUESTIONS} answers" for shown in SHOWN)
    publish("learning", table(header, rows))


def simulate(
    gallery: Floats,
    labels: Labels,
    queries: Floats,
    query_labels: Labels,
    choose: Choose,
    seed: int,
    rounds: int = ROUNDS,
) -> list[float]:
    """mAP before the first round and after each."""
    rng = np.random.default_rng(seed)
    known = damaged(labels, rng)
    answered: set[int] = set()
    curve = [map_of(gallery, known, queries, query_labels, labels)]
    for _round in range(rounds):
        vectors = gallery @ _fitted(gallery, known)
        rows = choose(vectors, known, answered, rng)
        known[rows] = labels[rows]
        answered |= set(rows.tolist())
        curve.append(map_of(gallery, known, queries, query_labels, labels))
    return curve


def damaged(labels: Labels, rng: np.random.Generator) -> Labels:
    """A fifth of the labels gone, and one in twenty of all another one."""
    known, order = labels.copy(), rng.permutation(len(labels))
    wrong, gone = np.split(order, [round(WRONG * len(labels))])
    gone = gone[: round(REMOVED * len(labels))]
    known[wrong] = (known[wrong] + rng.integers(1, labels.max() + 1, len(wrong))) % (labels.max() + 1)
    known[gone] = UNLABELLED
    return known


def map_of(gallery: Floats, known: Labels, queries: Floats, query_labels: Labels, labels: Labels) -> float:
    """By a head that is fitted on what is known; what a true match is, the true labels say."""
    kernel = _fitted(gallery, known)
    return score(queries @ kernel, query_labels, gallery @ kernel, labels, intervals=False).map


def _fitted(gallery: Floats, known: Labels) -> Floats:
    rows = known != UNLABELLED
    examples = Examples(gallery[rows, None], known[rows], np.full(int(rows.sum()), TRAIN, np.int8))
    return fit_head(examples, START, 0, HEAD, 0, max_dims=128)


def _informative(vectors: Floats, known: Labels, answered: set[int], _rng: np.random.Generator) -> Labels:
    return most_informative(vectors, known, QUESTIONS, answered)


def _random(_vectors: Floats, known: Labels, answered: set[int], rng: np.random.Generator) -> Labels:
    return rng.choice(np.setdiff1d(np.arange(len(known)), list(answered)), QUESTIONS, replace=False)


def _data() -> tuple[Floats, Floats, Labels, Labels]:
    """Features of the frozen network, of training and test pictures, and their labels; kept from the last time."""
    from trainer.networks import encoders, forms  # bring TensorFlow

    encoder = encoders.frozen(CONFIG.encoder, mirror=False)
    name = features.cache_name(CONFIG, Views(), forms.fingerprint(encoder.graph))
    computed = [
        features.compute(
            pictures,
            encoder.onnx,
            views=Views(),
            seed=0,
            cache=WORK / f"{name}.sqlite",
            progress=lambda *_: None,
            fit=CONFIG.encoder.fit,
        )
        for pictures in (
            read_source(str(grocery("train")), WORK, CONFIG.source).pictures,
            sample_evenly(read_source(str(grocery("test")), WORK, CONFIG.source).pictures, MAX_QUERIES),
        )
    ]
    gallery, queries = (part.values[:, 0] for part in computed)
    labels = number_labels([file.picture.label for part in computed for file in part.files])
    basis = principal_directions(gallery, WIDTH)
    return gallery @ basis, queries @ basis, labels[: len(gallery)], labels[len(gallery) :]
