"""What a run measures itself by: never a picture that the model asked was trained on."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.encoding.projection import unit
from tests.trainer.tuning import SIDE, Quiet, no_progress, pictures_in, scores
from trainer.config import Config
from trainer.data.features import Features
from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION
from trainer.evaluation.metrics import score
from trainer.evaluation.reliability import HITS
from trainer.evaluation.results import Missing, Protocol
from trainer.networks.closed_form import Candidate
from trainer.run import held_out
from trainer.run.folds import FOLDS
from trainer.run.held_out import calibration_pairs, protocols
from trainer.run.live_baseline import Live
from trainer.training.epochs.dataset import Pictures
from trainer.training.epochs.devices import choose_strategy
from trainer.training.examples import Examples, new_labels
from trainer.training.head import Head
from trainer.training.tuning import Tuning

WIDTH, DIMS = 12, 6
LABELS, EACH = 8, 8


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return pictures_in(tmp_path_factory.mktemp("pictures"), labels=LABELS, each=EACH, unlabelled=3)


def kernel(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(WIDTH, DIMS)).astype(np.float32)


class Mean:
    """An encoder whose embedding is a few columns of pixels."""

    height = width = SIDE

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return images.reshape(len(images), -1)[:, :: images[0].size // WIDTH][:, :WIDTH].astype(np.float32)


class Encoders:
    onnx = Mean()


def tuning_of(pictures: Pictures, reached: str, *, head: Head | None = None, **changes: Any) -> Tuning:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(LABELS + 1, WIDTH))[pictures.labels]
    values = centres[:, None] + rng.normal(0, 0.8, (len(pictures.labels), 3, WIDTH))
    features = Features(pictures.files, values.astype(np.float32), None, ())
    return Tuning(
        config=Config.model_validate({"reduce": {"dims": 5}, "head": {"max_epochs": 1, "dims": DIMS}} | changes),
        pictures=pictures,
        strategy=choose_strategy("one"),
        work=Path("nowhere"),
        made_from="this",
        listener=Quiet(),
        encoders=cast("Any", Encoders()),
        features=features,
        frozen=features.values[:, 0],
        head=head,
        reached=reached,
    )


def a_head(new_label_kernel: NDArray[np.float32] | None = None) -> Head:
    return Head(kernel(1), kernel(2), new_label_kernel, Candidate(0.1, DIMS), 0, scores(1, 1), [])


def by_hand(
    tuning: Tuning, embeddings: NDArray[np.float32], queries: NDArray[np.int64], gallery: NDArray[np.int64]
) -> float:
    """mAP through a PCA of numpy's own, each query left out of its own answer."""
    rows = unit(embeddings)
    mean = rows[gallery].mean(axis=0)
    axes = np.linalg.svd(rows[gallery] - mean, full_matrices=False)[2][:5]
    vectors = (rows - mean) @ axes.T
    labels = tuning.pictures.labels
    same = np.array([list(gallery).index(q) if q in gallery else -1 for q in queries])
    return score(vectors[queries], labels[queries], vectors[gallery], labels[gallery], same=same).map


def rows_of(pictures: Pictures, *parts: int) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(pictures.parts, parts) & (pictures.labels != UNLABELLED))


def test_a_head_is_measured_by_its_twins(pictures: Pictures) -> None:
    tuning = tuning_of(pictures, "head", head=a_head(kernel(3)))
    clean = tuning.features.values[:, 0]
    known, new = protocols(tuning, clean @ kernel(1))
    assert isinstance(known, Protocol)
    assert isinstance(new, Protocol)
    assert (known.name, new.name) == ("known labels", "new labels")
    queries, gallery = rows_of(pictures, VALIDATION), rows_of(pictures, TRAIN)
    wanted = by_hand(tuning, clean @ kernel(2), queries, gallery)
    assert known.measures["map"].value == pytest.approx(wanted, abs=1e-5)
    frozen = wanted - by_hand(tuning, clean, queries, gallery)
    assert known.against["frozen"]["map"].value == pytest.approx(frozen, abs=1e-5)
    split = new_labels(tuning.examples(), 0)
    assert split is not None
    held = np.flatnonzero(split.parts == VALIDATION)
    assert new.measures["map"].value == pytest.approx(by_hand(tuning, clean @ kernel(3), held, held), abs=1e-5)
    assert new.leave_one_out
    assert set(known.per_label) == {f"label {number}" for number in range(LABELS)}


def test_against_the_live_bundle_only_what_it_has_not_seen_either_counts(pictures: Pictures) -> None:
    tuning = tuning_of(pictures, "head", head=a_head(kernel(3)))
    clean = tuning.features.values[:, 0]
    theirs = np.random.default_rng(8).normal(size=(len(clean), 4)).astype(np.float32)
    fresh = np.arange(len(clean)) % EACH == 0  # the first of the two held-out pictures of each label
    live = Live(theirs, fresh)
    known, _new = protocols(tuning, clean, live)
    assert isinstance(known, Protocol)
    queries, gallery = rows_of(pictures, VALIDATION), rows_of(pictures, TRAIN)
    labels, query_rows = pictures.labels, queries[fresh[queries]]
    if len(query_rows) < held_out.MIN_QUERIES:
        assert "live" not in known.against
        known, _new = protocols(tuning, clean, Live(theirs, np.ones(len(clean), bool)))
        query_rows = queries
    assert isinstance(known, Protocol)
    wanted = score(theirs[query_rows], labels[query_rows], theirs[gallery], labels[gallery]).map
    ours = by_hand(tuning, clean @ kernel(2), np.array(query_rows), gallery)
    assert known.against["live"]["map"].value == pytest.approx(ours - wanted, abs=1e-5)
    assert known.queries == len(queries)
    assert "frozen" in known.against


def test_a_publishers_test_part_is_preferred(pictures: Pictures) -> None:
    parts = pictures.parts.copy()
    parts[3::EACH] = TEST
    tuning = tuning_of(replace(pictures, parts=parts), "head", head=a_head(kernel(3)))
    clean = tuning.features.values[:, 0]
    known, _new = protocols(tuning, clean)
    assert isinstance(known, Protocol)
    queries, gallery = rows_of(tuning.pictures, TEST), rows_of(tuning.pictures, TRAIN, VALIDATION)
    assert known.measures["map"].value == pytest.approx(by_hand(tuning, clean @ kernel(2), queries, gallery), abs=1e-5)


def test_what_was_fine_tuned_on_every_label_says_nothing_of_new_ones(pictures: Pictures) -> None:
    tuning = tuning_of(pictures, "finetune", head=a_head(kernel(3)))
    published = np.random.default_rng(5).normal(size=(len(pictures.labels), 9)).astype(np.float32)
    known, new = protocols(tuning, published)
    assert isinstance(known, Protocol)
    wanted = by_hand(tuning, published, rows_of(pictures, VALIDATION), rows_of(pictures, TRAIN))
    assert known.measures["map"].value == pytest.approx(wanted, abs=1e-5)
    assert isinstance(new, Missing)
    assert 'by = "label"' in new.reason


def test_a_split_by_label_measures_new_labels(pictures: Pictures) -> None:
    parts = np.where(pictures.labels < 3, VALIDATION, TRAIN).astype(np.int8)
    tuning = tuning_of(replace(pictures, parts=parts), "head", head=a_head())
    known, new = protocols(tuning, tuning.features.values[:, 0])
    assert isinstance(known, Missing)
    assert isinstance(new, Protocol)
    held = rows_of(tuning.pictures, VALIDATION)
    wanted = by_hand(tuning, tuning.features.values[:, 0] @ kernel(2), held, held)
    assert new.measures["map"].value == pytest.approx(wanted, abs=1e-5)


def test_to_a_frozen_encoder_every_label_is_new(pictures: Pictures) -> None:
    tuning = tuning_of(replace(pictures, parts=np.zeros_like(pictures.parts)), "frozen")
    known, new = protocols(tuning, tuning.frozen)
    assert isinstance(known, Missing)
    assert isinstance(new, Protocol)
    everything = rows_of(pictures, TRAIN, VALIDATION)
    assert new.measures["map"].value == pytest.approx(by_hand(tuning, tuning.frozen, everything, everything), abs=1e-5)
    assert new.against["frozen"]["map"].value == 0


def test_without_labels_both_are_missing(pictures: Pictures) -> None:
    bare = replace(pictures, labels=np.full_like(pictures.labels, UNLABELLED), supervised=False)
    assert all(
        isinstance(result, Missing) for result in protocols(tuning_of(bare, "frozen"), np.ones((67, 4), np.float32))
    )


# --- calibration


def test_no_query_is_among_what_the_head_of_its_fold_was_fitted_on(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[NDArray[np.float32]] = []
    query_rows: list[NDArray[np.float32]] = []

    def fit_head(examples: Examples, *_: object, **__: object) -> NDArray[np.float32]:
        fitted.append(examples.clean[:])
        return np.eye(WIDTH, dtype=np.float32)

    original = vars(held_out)["hit_pairs"]

    def hit_pairs(search: Any, metric: str) -> object:
        query_rows.append(search.query_labels)
        assert (search.same == -1).all()
        return original(search, metric)

    monkeypatch.setattr(held_out, "fit_head", fit_head)
    monkeypatch.setattr(held_out, "hit_pairs", hit_pairs)
    parts = pictures.parts.copy()
    parts[3::EACH] = TEST
    tuning = tuning_of(replace(pictures, parts=parts), "head", head=a_head())
    pairs = calibration_pairs(tuning, tuning.features.values[:, 0] @ kernel(1), no_progress)
    usable = rows_of(tuning.pictures, TRAIN, VALIDATION)
    clean = tuning.features.values[:, 0]
    assert len(fitted) == FOLDS
    for rows in fitted:  # each fold's head has seen all labelled pictures that are not the test's, but the fold's own
        assert len(rows) < len(usable)
        assert all((clean[usable] == row).all(axis=1).any() for row in rows)
    left_out = sum(len(usable) - len(rows) for rows in fitted)
    assert left_out == len(usable)
    assert len(np.unique(pairs["cosine"].queries)) == len(usable)
    assert sum(map(len, query_rows)) == 2 * len(usable)


def test_a_fine_tuned_network_is_calibrated_on_held_out_pictures_alone(pictures: Pictures) -> None:
    tuning = tuning_of(pictures, "finetune")
    pairs = calibration_pairs(tuning, tuning.frozen, no_progress)
    assert len(np.unique(pairs["euclidean"].queries)) == len(rows_of(pictures, VALIDATION))
    assert len(pairs["cosine"].distances) == len(rows_of(pictures, VALIDATION)) * HITS


@pytest.mark.parametrize("reached", ["frozen", "head"])
def test_without_labels_copies_of_a_picture_are_to_find_it(pictures: Pictures, reached: str) -> None:
    bare = replace(pictures, labels=np.full_like(pictures.labels, UNLABELLED), supervised=False)
    tuning = tuning_of(bare, reached, head=a_head() if reached == "head" else None)
    prepared = np.stack([pictures.prepared(row) for row in range(len(pictures.labels))])
    pairs = calibration_pairs(tuning, tuning.encoders.onnx.encode(prepared), no_progress)["cosine"]
    query_rows = len(pictures.labels) if reached == "frozen" else (pictures.parts == VALIDATION).sum()
    assert len(np.unique(pairs.queries)) == query_rows
    result = np.bincount(pairs.queries, pairs.matches)
    assert result.max() == 1  # one picture is the right one
    if reached == "frozen":
        assert result.mean() > 0.5
