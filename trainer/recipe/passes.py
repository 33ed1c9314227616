"""Pooled features of pictures by one network after another: computed once, kept in the artifacts folder."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import onnx
from keras import Model, layers
from numpy.typing import NDArray

from retrieval.durable import write_atomically
from retrieval.encoding.encoder import OnnxEncoder
from trainer.data import features
from trainer.data.features import FeatureCache, PictureFile, Views
from trainer.networks.backbones import build_backbone
from trainer.networks.graphs.export import export_onnx
from trainer.networks.pooling import POOLINGS
from trainer.progress import Progress
from trainer.recipe.budget import Budget
from trainer.recipe.choices import POOLED, Choice, Pass, weights_of
from trainer.sources.base import Picture

CHUNK = 64  # pictures between two looks at the clock
FIRST_GUESS = 0.02  # seconds that a picture takes a pass of cost 1, before any has been timed


class Mirrored:
    """An encoder that is shown every picture mirrored."""

    def __init__(self, encoder: OnnxEncoder) -> None:
        self._encoder = encoder
        self.height, self.width, self.dims = encoder.height, encoder.width, encoder.dims

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As Encoder.encode."""
        return self._encoder.encode(np.ascontiguousarray(images[:, :, ::-1]))


@dataclass(slots=True)
class Passes:
    """What the passes give of the source's pictures, in the order of `pictures`; more of them as they are needed.

    `files` are those that could be read so far, as every pass reads the same ones.
    """

    pictures: Sequence[Picture]
    cache: Path
    budget: Budget
    files: list[PictureFile] = field(default_factory=list)
    _done: dict[Pass, int] = field(default_factory=dict)
    _values: dict[Pass, NDArray[np.float32]] = field(default_factory=dict)
    _encoders: dict[tuple[str, int], OnnxEncoder] = field(default_factory=dict)
    _seconds: float = 0.0
    _work: float = 0.0

    @property
    def unit_seconds(self) -> float:
        """Seconds that one picture takes a pass of cost 1 on this machine."""
        return self._seconds / self._work if self._work else FIRST_GUESS

    def seconds(self, choice: Choice, count: int) -> float:
        """What the passes of `choice` that are missing for the first `count` pictures will take."""
        missing = sum(one.cost * max(0, count - self._done.get(one, 0)) for one in choice.passes())
        return missing * self.unit_seconds

    def embeddings(self, choice: Choice, count: int, progress: Progress) -> NDArray[np.float32] | None:
        """Of the readable ones of the first `count` pictures, float32 [n, e]; None where the budget ends before."""
        for one in choice.passes():
            if not self._compute(one, count, progress):
                return None
        known = {file.picture.id for file in self.files}
        readable = sum(picture.id in known for picture in self.pictures[:count])
        return choice.embeddings({one: self._values[one][:readable] for one in choice.passes()})

    def fill(self, choice: Choice, cache: Path) -> None:
        """Put what is known of a choice into the cache of the run that will use it (data.features)."""
        passes = choice.passes()
        known = min(len(self._values.get(one, ())) for one in passes)
        if not known:
            return
        embeddings = choice.embeddings({one: self._values[one][:known] for one in passes})
        with FeatureCache(cache) as stored:
            for file, row in zip(self.files, embeddings, strict=False):
                stored.put(file.key, row[None])

    def _compute(self, one: Pass, count: int, progress: Progress) -> bool:
        encoder = self._encoder(one.backbone, one.side)
        flipped = Mirrored(encoder) if one.mirrored else encoder
        name = f"recipe-{one.backbone}-{one.side}{'-centre' * one.centre}{'-mirrored' * one.mirrored}"
        values = self._values.get(one, np.empty((0, encoder.dims), np.float32))
        while (start := self._done.get(one, 0)) < min(count, len(self.pictures)):
            if self.budget.left <= 0:
                return False
            began = time.perf_counter()
            computed = features.compute(
                self.pictures[start : min(start + CHUNK, count)],
                flipped,
                views=Views(),
                seed=0,
                cache=self.cache / f"{name}.sqlite",
                progress=_part_of(progress, start, count),
                fit="centre" if one.centre else "whole",
            )
            self._seconds += time.perf_counter() - began
            self._work += one.cost * len(computed.files)
            self._done[one] = min(start + CHUNK, count)
            values = self._values[one] = np.concatenate([values, computed.values[:, 0]])
            if len(self.files) < len(values):
                self.files += computed.files
        return True

    def _encoder(self, backbone: str, side: int) -> OnnxEncoder:
        """The network with all poolings of its cells in a row."""
        if (backbone, side) not in self._encoders:
            file = self.cache / f"recipe-{backbone}-{side}.onnx"
            if not file.exists():
                self.cache.mkdir(parents=True, exist_ok=True)
                with write_atomically(file) as draft:
                    onnx.save(export_onnx(_pooling_network(backbone, side)), str(draft))
            self._encoders[backbone, side] = OnnxEncoder(file.read_bytes(), str(file))
        return self._encoders[backbone, side]


def _part_of(progress: Progress, start: int, count: int) -> Progress:
    """The progress of a chunk as that of the whole."""
    return lambda done, _chunk: progress(start + done, count)


def _pooling_network(backbone: str, side: int) -> Model:
    keras.utils.set_random_seed(0)
    network = build_backbone(backbone, weights_of(backbone), side)
    cells = layers.Activation("linear", dtype="float32")(network.output)
    pooled = [POOLINGS[name]()(cells) for name in POOLED]
    return Model(network.input, {"embedding": layers.Concatenate(dtype="float32")(pooled)}, name=f"{backbone}-pooled")
