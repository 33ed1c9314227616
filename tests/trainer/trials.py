"""Fine-tuning in the tests: a tiny network with a random head of 8 dims, on a few pictures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tests.trainer.tuning import CHANNELS, SIDE, no_progress, scores
from trainer.config import Config
from trainer.networks.backbones import build_backbone
from trainer.networks.pooling import build_encoder
from trainer.progress import Epoch
from trainer.training.epochs.checkpoint import Checkpoint
from trainer.training.epochs.dataset import Pictures, encode_all
from trainer.training.epochs.devices import choose_strategy
from trainer.training.finetune import FinetuneResult, Start, finetune

Weights = dict[str, NDArray[np.float32]]


def settings(*, encoder: dict[str, object] | None = None, **finetuning: Any) -> Config:
    values = {"labels_per_batch": 6, "pictures_per_label": 4, "max_epochs": 2, "patience_epochs": 9, **finetuning}
    return Config(
        encoder={"backbone": "siamese", "weights": "none", "size": SIDE, **(encoder or {})},
        finetune={"enabled": True, **values},
        head={"enabled": False},
    )


PRETRAINED = {"weights": "made elsewhere.h5"}  # only its name counts here: the network comes ready


def weights_of(model: keras.Model) -> Weights:
    return {variable.path: variable.numpy() for variable in model.variables}


@dataclass
class Trial:
    """One fine-tuning, and the weights before and after it."""

    pictures: Pictures
    config: Config
    folder: Path
    watch: Callable[[Epoch], None] = lambda _epoch: None
    strategy: object = None
    before: Weights = field(default_factory=dict)
    after: Weights = field(default_factory=dict)

    def start(self) -> Start:
        keras.utils.set_random_seed(5)
        backbone = build_backbone("siamese", "none", SIDE)
        kernel = np.random.default_rng(0).normal(size=(CHANNELS, 8)).astype(np.float32)
        encoder = build_encoder(backbone, kernel, pooling=self.config.encoder.pooling)
        self.before = weights_of(encoder)
        embeddings = encode_all(
            lambda images: encoder.predict_on_batch(images)["embedding"],
            self.pictures.prepared,
            np.arange(len(self.pictures.labels)),
        )
        return Start(backbone, kernel, embeddings, scores(0.0, 0.0, 6))

    def run(self) -> FinetuneResult:
        tuned = finetune(
            self.start(),
            self.pictures,
            self.config,
            self.strategy or choose_strategy("one"),
            Checkpoint(self.folder / "finetune.npz", "this"),
            no_progress,
            self.watch,
        )
        self.after = weights_of(tuned.encoder)
        return tuned

    def moved(self) -> set[str]:
        """Names of the layers of which anything has changed."""
        pairs = zip(self.before.items(), self.after.items(), strict=True)
        return {path.split("/")[0] for (path, one), (_same, two) in pairs if not np.array_equal(one, two)}

    def moved_variables(self) -> set[str]:
        pairs = zip(self.before.items(), self.after.items(), strict=True)
        return {path for (path, one), (_same, two) in pairs if not np.array_equal(one, two)}
