"""The pictures of a run as the stages that see pixels need them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.encoding.embedder import prepare
from tests.trainer.tuning import SIDE, pictures_in
from trainer.data.augment import detail
from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION
from trainer.errors import SourceError
from trainer.evaluation.metrics import score
from trainer.training.epochs.dataset import BATCH, Pictures, encode_all, measure


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return pictures_in(tmp_path_factory.mktemp("pictures"), unlabelled=4)


def grey(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An encoder: 8 x 8 grey cells."""
    assert images.shape[1:] == (SIDE, SIDE, 3)
    cells = images.mean(axis=-1).reshape(-1, 8, SIDE // 8, 8, SIDE // 8).mean(axis=(2, 4))
    return cells.reshape(-1, 64).astype(np.float32) - 128


def test_prepared_as_a_query_is(pictures: Pictures) -> None:
    for row in (0, 7):
        data = pictures.files[row].picture.path.read_bytes()
        np.testing.assert_array_equal(pictures.prepared(row), prepare(data, SIDE, SIDE))


def test_a_detail_is_the_one_that_features_are_computed_of(pictures: Pictures) -> None:
    wanted = detail(pictures.read(3, 2 * SIDE), SIDE, SIDE, pictures.seed, pictures.files[3].key)
    for _time in range(2):
        np.testing.assert_array_equal(pictures.detail(3), wanted)


def test_what_is_learned_from(pictures: Pictures) -> None:
    labelled = pictures.training_rows()
    assert set(pictures.parts[labelled]) == {TRAIN}
    assert UNLABELLED not in pictures.labels[labelled]
    assert len(labelled) == 6 * 4
    everything = replace(pictures, supervised=False).training_rows()
    assert everything.tolist() == np.flatnonzero(pictures.parts == TRAIN).tolist()
    assert UNLABELLED in pictures.labels[everything]


def test_what_is_alike(pictures: Pictures) -> None:
    np.testing.assert_array_equal(pictures.alike(), pictures.labels)
    np.testing.assert_array_equal(replace(pictures, supervised=False).alike(), np.arange(len(pictures.labels)))


def test_held_out_pictures_are_measured_by_label(pictures: Pictures) -> None:
    embeddings = grey(np.stack([pictures.prepared(row) for row in range(len(pictures.labels))]))
    known = pictures.labels != UNLABELLED
    held, gallery = (np.flatnonzero(known & (pictures.parts == part)) for part in (VALIDATION, TRAIN))
    result, through = measure(pictures, grey)
    labels = pictures.labels
    wanted = score(embeddings[held], labels[held], embeddings[gallery], labels[gallery], intervals=True)
    assert result == wanted
    np.testing.assert_array_equal(through, embeddings[gallery])


def test_without_labels_they_are_measured_by_their_details(pictures: Pictures) -> None:
    parts = pictures.parts.copy()
    parts[5] = TEST
    blind = replace(pictures, supervised=False, parts=parts)
    held, gallery = np.flatnonzero(parts == VALIDATION), np.flatnonzero(parts != TEST)
    details = grey(np.stack([blind.detail(row) for row in held.tolist()]))
    among = grey(np.stack([blind.prepared(row) for row in gallery.tolist()]))
    assert measure(blind, grey)[0] == score(details, held, among, gallery, intervals=True)


@pytest.mark.parametrize("count", [1, BATCH, BATCH + 1])
def test_rows_are_encoded_in_order_and_in_batches(count: int, pictures: Pictures) -> None:
    rows = np.random.default_rng(0).integers(0, len(pictures.labels), count)
    sizes: list[int] = []

    def encode(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        sizes.append(len(images))
        return grey(images)

    result = encode_all(encode, pictures.prepared, rows)
    np.testing.assert_array_equal(result, np.concatenate([grey(pictures.prepared(row)[None]) for row in rows]))
    assert max(sizes) <= BATCH


def test_a_picture_that_has_become_unreadable_is_named(tmp_path: Path) -> None:
    few = pictures_in(tmp_path, labels=2, each=3)
    few.files[1].picture.path.unlink()
    for use in (few.prepared, few.detail, lambda _row: measure(few, grey)):
        with pytest.raises(SourceError, match=r"0-1\.png could be read at the start of this run, but no longer"):
            use(1)
