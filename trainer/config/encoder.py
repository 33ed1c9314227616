"""Which network makes the features."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from retrieval.images import Fit
from trainer.config.backbones import BACKBONES, BackboneName
from trainer.config.base import Rate, Section

Pooling = Literal["avg", "gem", "max", "avg+gem+max"]
"""How the cells of a picture become one embedding: their mean, generalised mean, maximum, or all three in a row."""


class OnnxConfig(Section):
    """How an ONNX encoder from elsewhere wants its pixels: `(channels in this order * scale - mean) / std`."""

    size: Annotated[int, Field(ge=16, le=1024)]
    """Side of its square input, in pixels."""
    layout: Literal["NHWC", "NCHW"] = "NCHW"
    order: Literal["RGB", "BGR"] = "RGB"
    scale: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[Rate, Rate, Rate] = (1.0, 1.0, 1.0)
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of each side that the network sees, cut from the middle (0.875 for many ImageNet networks)."""
    output: str | None = None
    """Name of the output that is the embedding; None: the only one."""


class EncoderConfig(Section):
    """Which network makes the features: one of ours, any ONNX file, or several side by side."""

    backbone: BackboneName = "efficientnet-lite0"
    weights: str = "imagenet"
    """ "imagenet", "none" (random) or the path of a weights file."""
    size: Annotated[int, Field(ge=32, le=1024)] | None = None
    """Side of the square input, in pixels; None: what the network was made for."""
    pooling: Pooling = "avg"
    fit: Fit = "whole"
    """What of a picture is looked at: the whole of it squashed to a square, its centre square, or both, in which case
    the embedding is the mean of the two, each of length one."""
    mirror: bool = False
    """Average each embedding with that of the mirrored picture."""
    freeze_backbone: bool = False
    """Train nothing but the head."""
    train_from: str | None = None
    """Name of the first block that trains; None: all do."""
    onnx: Path | None = None
    pixels: OnnxConfig | None = None
    """How the file `onnx` wants its pixels; None: it takes uint8 NHWC RGB already, as our own bundles do."""
    ensemble: tuple["EncoderConfig", ...] = ()
    """Encoders whose embeddings are laid side by side, each of length one."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        # A bundle's config.toml names every default, and is a configuration like any other.
        ours = self.backbone != EncoderConfig.model_fields["backbone"].default
        if sum((ours, self.onnx is not None, bool(self.ensemble))) > 1:
            raise ValueError("name one of backbone, onnx and ensemble")
        if self.pixels is not None and self.onnx is None:
            raise ValueError("pixels goes with onnx")
        if len(self.ensemble) == 1 or any(member.ensemble for member in self.ensemble):
            raise ValueError("ensemble lists two or more encoders, none of them an ensemble itself")
        if any(member.fit != "whole" or member.mirror for member in self.ensemble):
            raise ValueError("fit and mirror are those of all encoders together: set them beside ensemble")
        if self.keras and BACKBONES[self.backbone].imagenet is None and self.weights == "imagenet":
            raise ValueError(f'{self.backbone} starts from scratch: weights = "none", or a file')
        return self

    @property
    def keras(self) -> bool:
        """Whether it is one of our own networks, which can train."""
        return self.onnx is None and not self.ensemble

    @property
    def name(self) -> str:
        """What the encoder is called in manifests and tables."""
        if self.ensemble:
            return "+".join(member.name for member in self.ensemble)
        return self.onnx.stem if self.onnx else self.backbone

    @property
    def side(self) -> int:
        """Side of a backbone's square input, in pixels."""
        return self.size or BACKBONES[self.backbone].side
