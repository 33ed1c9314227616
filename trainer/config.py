"""The training configuration: TOML, typed, every knob with its unit. An unknown key is an error."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer.errors import ConfigError

CONFIGS = Path(__file__).parent / "configs"
Share = Annotated[float, Field(gt=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EncoderConfig(_Section):
    """Which network makes the features."""

    backbone: Literal["efficientnet-lite0", "resnet50"] = "efficientnet-lite0"
    weights: str = "imagenet"
    """ "imagenet", "none" (random) or the path of a weights file."""
    size: Annotated[int, Field(ge=32, le=1024)] = 224
    """Side of the square input, in pixels."""


class HeadConfig(_Section):
    """The linear embedding head, tuned on labels."""

    enabled: bool = True
    dims: Annotated[int, Field(ge=2, le=2048)] = 128
    views: Annotated[int, Field(ge=0, le=32)] = 4
    """Augmented views of each picture, besides the clean one."""
    shrinkage: Annotated[tuple[Share, ...], Field(min_length=1)] = (0.02, 0.05, 0.1, 0.2, 0.4)
    """Candidates for the closed-form start; validation picks one."""
    labels_per_batch: Annotated[int, Field(ge=2)] = 32
    pictures_per_label: Annotated[int, Field(ge=2)] = 8
    margin: Annotated[float, Field(gt=0, le=2)] = 0.2
    """Of the triplet loss, in Euclidean distance between unit vectors."""
    learning_rate: Annotated[float, Field(gt=0)] = 3e-4
    max_epochs: Annotated[int, Field(ge=1)] = 60
    patience_epochs: Annotated[int, Field(ge=1)] = 12


class ReduceConfig(_Section):
    """PCA and K-Means over the gallery's embeddings."""

    dims: Annotated[int, Field(ge=2, le=512)] = 128
    variance: Share | None = None
    """Keep fewer than dims where so many already explain this share of the variance."""
    clusters: Annotated[int, Field(ge=1)] | None = None
    """None: about 4 * sqrt(number of items)."""


class Config(_Section):
    """A whole training run."""

    encoder: EncoderConfig = EncoderConfig()
    head: HeadConfig = HeadConfig()
    reduce: ReduceConfig = ReduceConfig()
    validation_share: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    """Share of each label's pictures that is held out to choose and to measure by."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


def load_config(path: Path) -> Config:
    """Read a configuration file. Raises ConfigError that names each key that is wrong, and where."""
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(p.name for p in CONFIGS.glob("*.toml")))
        raise ConfigError(f"There is no configuration {path}. Ready ones lie in trainer/configs: {known}.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from error
    try:
        return Config.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path} does not fit ({problems}). The keys are listed in trainer/config.py.") from error
