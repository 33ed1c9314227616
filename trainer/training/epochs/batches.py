"""Batches of an epoch: which pictures, and for the networks that see pixels the augmented pictures themselves."""

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from retrieval.images import RGB
from trainer.config import LossConfig
from trainer.data.sampling import pk_batches, view_batches
from trainer.errors import SourceError
from trainer.threads import map_ahead
from trainer.training.epochs.dataset import Pictures

VIEWS = 2  # of each picture in a batch without labels

Augment = Callable[[RGB, int, int, np.random.Generator], RGB]


def epoch_batches(
    numbers: NDArray[np.int64], config: LossConfig, rng: np.random.Generator, *, supervised: bool
) -> Iterator[NDArray[np.int64]]:
    """Row numbers of each batch of an epoch.

    Supervised: P labels, K pictures of each. Otherwise: each picture twice in a row, as two of its views.
    """
    if supervised:
        yield from pk_batches(numbers, config.labels_per_batch, config.pictures_per_label, rng)
        return
    pictures = config.labels_per_batch * config.pictures_per_label // VIEWS
    for rows in view_batches(len(numbers), pictures, rng):
        yield np.repeat(rows, VIEWS)


class PictureBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """One epoch of augmented pictures uint8 [b, side, side, 3], with targets [b], or the pictures again.

    Each picture is augmented by a generator of its own, made from seed, epoch and place: the order in which threads
    finish changes nothing, and an epoch can be repeated after a crash.
    """

    def __init__(
        self,
        batches: Sequence[NDArray[np.int64]],
        pictures: Pictures,
        targets: NDArray[np.int64] | None,
        *,
        augment: Augment,
        seed: tuple[int, ...],
        devices: int = 1,
    ) -> None:
        super().__init__()  # no workers: under a distribution strategy the threads of Keras lose batches
        # Keras gives each device as many pictures: what cannot be shared out evenly is left out of this epoch.
        even = [rows[: len(rows) // devices * devices] for rows in batches]
        self.batches = [rows for rows in even if len(rows)]
        self.pictures, self.targets = pictures, targets
        self.augment, self.seed = augment, seed
        self.failure: SourceError | None = None
        """Why a batch could not be made, which TensorFlow says in words of its own."""

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int64] | NDArray[np.uint8]]:
        rows, side = self.batches[index], self.pictures.side

        def augmented(place: int) -> RGB:
            rng = np.random.default_rng((*self.seed, index, place))
            return self.augment(self.pictures.read(rows[place], 2 * side), side, side, rng)

        try:
            images = np.stack(list(map_ahead(augmented, range(len(rows)))))
        except SourceError as error:
            self.failure = error
            raise
        return images, images if self.targets is None else self.targets[rows]
