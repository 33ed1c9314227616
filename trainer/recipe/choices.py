"""What the automatic recipe chooses between: encoders, and what of a picture they look at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding.projection import unit
from retrieval.images import Fit
from trainer.config import EncoderConfig
from trainer.config.backbones import BACKBONES
from trainer.config.encoder import Pooling

FAST, ACCURATE = "efficientnet-lite0", "efficientnet-lite2"
ENLARGED = 1.25
"""Factor of the larger input that is tried."""

Preset = Literal["fast", "balanced", "best"]
MAX_COST: Mapping[Preset, float] = {"fast": 1.5, "balanced": 5.0, "best": float("inf")}
"""What a query may cost, in passes of FAST at its own size."""
DIMS: Mapping[Preset, int] = {"fast": 128, "balanced": 256, "best": 384}
"""Of the vectors that are searched."""
COSTS: Mapping[str, float] = {FAST: 1.0, ACCURATE: 1.6}
"""Of one pass at the same size; by multiplications, Tan & Le 2019."""


def weights_of(backbone: str) -> str:
    """The published weights, or none where there are none."""
    return "none" if BACKBONES[backbone].imagenet is None else "imagenet"


@dataclass(frozen=True, slots=True)
class Pass:
    """One network over one part of each picture; its pooled features are kept, whatever is made of them."""

    backbone: str
    side: int
    centre: bool
    mirrored: bool

    @property
    def cost(self) -> float:
        """In passes of FAST at its own size."""
        return COSTS.get(self.backbone, 1.0) * (self.side / BACKBONES[FAST].side) ** 2


@dataclass(frozen=True, slots=True)
class Choice:
    """An encoder: networks side by side, what they look at, and how their cells are pooled."""

    backbones: tuple[str, ...] = (FAST,)
    side: int = BACKBONES[FAST].side
    fit: Fit = "whole"
    pooling: Pooling = "avg"
    mirror: bool = False

    def passes(self) -> list[Pass]:
        """What has to be computed of each picture."""
        parts = {"whole": (False,), "centre": (True,), "both": (False, True)}[self.fit]
        mirrored = (False, True) if self.mirror else (False,)
        return [Pass(name, self.side, part, turned) for name in self.backbones for part in parts for turned in mirrored]

    @property
    def cost(self) -> float:
        """Of one query, in passes of FAST at its own size."""
        return sum(one.cost for one in self.passes())

    @property
    def name(self) -> str:
        """As people read it."""
        words = [
            " + ".join(self.backbones),
            f"{self.side} px",
            self.fit,
            self.pooling,
            *(["mirror"] if self.mirror else []),
        ]
        return ", ".join(words)

    def encoder(self) -> EncoderConfig:
        """The same as a configuration."""
        shared = {"fit": self.fit, "mirror": self.mirror}
        members = [
            {"backbone": name, "weights": weights_of(name), "size": self.side, "pooling": self.pooling}
            for name in self.backbones
        ]
        return EncoderConfig.model_validate(shared | (members[0] if len(members) == 1 else {"ensemble": members}))

    def embeddings(self, pooled: Mapping[Pass, NDArray[np.float32]]) -> NDArray[np.float32]:
        """What its encoder would give, float32 [n, e], of what its passes give, float32 [n, 3 c] each: see Pooled."""
        halves = []
        for centre in sorted({one.centre for one in self.passes()}):
            looks = []
            for mirrored in sorted({one.mirrored for one in self.passes()}):
                members = [
                    _pooled(pooled[Pass(name, self.side, centre, mirrored)], self.pooling) for name in self.backbones
                ]
                looks.append(np.hstack([unit(one) for one in members]) if len(members) > 1 else members[0])
            halves.append(_mean(looks))
        return halves[0] if len(halves) == 1 else _mean([unit(half) for half in halves])


POOLED = ("avg", "gem", "max")
"""What a pass gives, one after the other."""


def _mean(several: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.mean(several, axis=0)
    return mean


def _pooled(values: NDArray[np.float32], pooling: Pooling) -> NDArray[np.float32]:
    parts = dict(zip(POOLED, np.split(values, len(POOLED), axis=1), strict=True))
    return np.hstack([unit(parts[name]) for name in POOLED]) if pooling == "avg+gem+max" else parts[pooling]


def looks() -> Iterator[Choice]:
    """First question: what of a picture is looked at, and how is it pooled? The cheapest first."""
    first = Choice()
    for fit in ("whole", "centre"):
        for pooling in ("avg", "avg+gem+max", "gem", "max"):
            yield replace(first, fit=fit, pooling=pooling)


def encoders(choice: Choice) -> Iterator[Choice]:
    """Second question: which network?"""
    for backbones in ((ACCURATE,), (FAST, ACCURATE)):
        yield replace(choice, backbones=backbones, side=BACKBONES[ACCURATE].side)


def refinements(choice: Choice) -> Iterator[Choice]:
    """Third question: what does a second look, a mirror image or a larger input add?"""
    if choice.fit != "both":
        yield replace(choice, fit="both")
    yield replace(choice, mirror=True)
    yield replace(choice, side=round(choice.side * ENLARGED / 32) * 32)
