"""What the stages of a run work on, and what they have reached so far. It brings no TensorFlow."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainer.config import Config
from trainer.data.features import Features
from trainer.evaluation.metrics import Scores
from trainer.networks.forms import Encoders
from trainer.progress import Epoch, Listener
from trainer.training.epochs.checkpoint import Checkpoint
from trainer.training.epochs.dataset import Pictures
from trainer.training.examples import Examples, JudgedPairs
from trainer.training.head import Head
from trainer.training.validation import best

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(slots=True)
class Tuning:
    """What the stages work on, and what they have reached so far. `frozen` float32 [n, e]: where they started."""

    config: Config
    pictures: Pictures
    strategy: "tf.distribute.Strategy | None"
    work: Path
    made_from: str
    listener: Listener
    encoders: Encoders
    features: Features
    frozen: NDArray[np.float32]
    head: Head | None = None
    """The one that is kept, before it may be fine-tuned."""
    scores: dict[str, Scores] = field(default_factory=dict)
    """Of every stage that ran, kept or not."""
    history: list[Epoch] = field(default_factory=list)
    reached: str = "frozen"
    judged: JudgedPairs | None = None
    """Pairs of these pictures that people compared."""
    expand: int = 0
    """Neighbours that a query of the bundle is moved towards."""
    is_refit: bool = False
    """Whether a head alone is fitted anew, in seconds, of a bundle of which a whole run has told the rest."""
    is_base_trained: bool = False
    """Whether the network before the head has learned from labels of pictures that are not held out."""

    def checkpoint(self, stage: str) -> Checkpoint:
        """Where a stage keeps its state."""
        return Checkpoint(self.work / f"{stage}.npz", self.made_from)

    def examples(self, features: Features | None = None) -> Examples:
        """Features, those reached so far if none are given, with what is known of the pictures."""
        features = features or self.features
        labels, parts = self.pictures.labels, self.pictures.parts
        return Examples(features.values, labels, parts, features.details, judged=self.judged)

    @property
    def has_seen_labels(self) -> bool:
        """Whether the network, not its head alone, has learned from the labels of the training part."""
        return self.is_base_trained or self.reached == "finetune"

    def judge(self, stage: str, scores: Scores, *, hurts_new_labels: bool = False) -> bool:
        """Whether a stage helped, without harm to labels that it has not seen; says so."""
        before = self.scores[self.reached]
        self.scores[stage] = scores
        helped = best([before, scores]) == 1 and not hurts_new_labels
        measures = ", ".join(
            f"{name} {getattr(scores, key):.3f} ({self.reached} {getattr(before, key):.3f})"
            for name, key in (("recall@1", "precision_at_1"), ("mAP", "map"))
        )
        undone = "it hurts labels that it has not seen" if hurts_new_labels else "no better on the held-out pictures"
        self.listener.note(f"{stage}: {measures}{'' if helped else f': {undone}, so it is undone'}")
        if helped:
            self.reached = stage
        return helped
