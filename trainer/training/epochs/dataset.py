"""The pictures of a run as the stages that see pixels need them: read anew each time, never all in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from retrieval import images
from retrieval.encoding.embedder import Opener
from retrieval.encoding.projection import unit
from retrieval.images import RGB, Fit
from trainer.data.augment import detail
from trainer.data.features import PictureFile
from trainer.data.input_shape import InputShape
from trainer.data.loading import read_again
from trainer.data.split import TRAIN, UNLABELLED
from trainer.evaluation.metrics import Scores
from trainer.threads import picture_pool
from trainer.training import validation
from trainer.training.validation import Validation

BATCH = 32  # pictures that go through a network at once where nothing is learned


Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Prepared pictures uint8 [n, height, side, 3] to embeddings float32 [n, d]: ONNX's, or a Keras model's."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What could be opened, label numbers int64 [n], parts int8 [n], and how a picture is read.

    Not supervised: labels are not looked at, and the views of a picture are what is alike.
    """

    files: Sequence[PictureFile]
    labels: NDArray[np.int64]
    parts: NDArray[np.int8]
    side: int
    opener: Opener
    seed: int
    supervised: bool = True
    fit: Fit = "whole"
    """What of a picture fills the encoder's input; `side` is that of one square in it."""

    def validation(self) -> Validation:
        """Who is searched for, and among whom."""
        return validation.by_labels(self.labels, self.parts) if self.supervised else validation.by_details(self.parts)

    def alike(self) -> NDArray[np.int64]:
        """Numbers int64 [n] that say which rows are alike: the labels, or each picture by itself."""
        return self.labels if self.supervised else np.arange(len(self.labels))

    def training_rows(self) -> NDArray[np.int64]:
        """The rows that are learned from."""
        return np.flatnonzero((self.parts == TRAIN) & (not self.supervised or self.labels != UNLABELLED))

    @property
    def shape(self) -> InputShape:
        """What the encoder is given."""
        return InputShape(self.side * (2 if self.fit == "both" else 1), self.side, self.fit)

    def read(self, row: int, side: int) -> RGB:
        """What is looked at of one picture, about as large as wanted. Raises SourceError when it has become unreadable

        meanwhile.
        """
        rgb = read_again(self.files[row].picture, side, self.opener)
        return images.centre(rgb) if self.fit == "centre" else rgb

    def square(self, row: int) -> RGB:
        """One picture ready for the network itself, uint8 [side, side, 3]."""
        return images.resize(self.read(row, self.side), self.side, self.side)

    def prepared(self, row: int) -> RGB:
        """One picture ready for the encoder, uint8 [height, side, 3]."""
        return self.shape.arranged(self.read(row, self.side))

    def detail(self, row: int) -> RGB:
        """A small part of a picture, the same one in every stage."""
        return self.shape.each(self.read(row, 2 * self.side), partial(detail, seed=self.seed, key=self.files[row].key))


def measure(pictures: Pictures, encode: Encode) -> tuple[Scores, NDArray[np.float32]]:
    """The held-out pictures through `encode`, and the embeddings [g, d] of the pictures they are searched among."""
    among = pictures.validation()
    gallery = encode_all(encode, pictures.prepared, among.gallery)
    queries = encode_all(encode, pictures.detail if among.by_detail else pictures.prepared, among.queries)
    return among.scores(queries, gallery), gallery


def encode_all(encode: Encode, prepare: Callable[[int], RGB], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Embeddings float32 [n, d] of rows, each made ready by `prepare`, in order."""
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    with picture_pool() as pool:
        return np.concatenate([encode(np.stack(list(pool.map(prepare, batch)))) for batch in batches])


def seen_in(encode: Encode, fit: Fit, *, mirror: bool) -> Encode:
    """A network of squares as the exported encoder uses it: on whole and centre, and on their mirror images."""

    def encode_all_sides(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        squares = np.split(prepared, 2, axis=1) if fit == "both" else [prepared]
        sides = [[square, square[:, :, ::-1]] if mirror else [square] for square in squares]
        means = [_mean([encode(np.ascontiguousarray(one)) for one in each]) for each in sides]
        return means[0] if len(means) == 1 else _mean([unit(mean) for mean in means])

    return encode_all_sides


def _mean(several: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.mean(several, axis=0)
    return mean
