"""The training configuration: TOML, typed, every knob with its unit. An unknown key is an error."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from trainer.config.base import ExportConfig, ReduceConfig, SearchConfig, Section, StoreConfig
from trainer.config.encoder import EncoderConfig, OnnxConfig
from trainer.config.pictures import FacesConfig, SourceConfig, SplitConfig
from trainer.config.stages import AutoencoderConfig, FinetuneConfig, HeadConfig, LossConfig
from trainer.errors import ConfigError

__all__ = [
    "CONFIGS",
    "AutoencoderConfig",
    "Config",
    "EncoderConfig",
    "ExportConfig",
    "FacesConfig",
    "FinetuneConfig",
    "HeadConfig",
    "LossConfig",
    "OnnxConfig",
    "ReduceConfig",
    "SearchConfig",
    "SourceConfig",
    "SplitConfig",
    "StoreConfig",
    "load_config",
]

CONFIGS = Path(str(resources.files("trainer") / "configs"))


class Config(Section):
    """A whole training run."""

    source: SourceConfig = SourceConfig()
    split: SplitConfig = SplitConfig()
    faces: FacesConfig | None = None
    encoder: EncoderConfig = EncoderConfig()
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    head: HeadConfig = HeadConfig()
    finetune: FinetuneConfig = FinetuneConfig()
    export: ExportConfig = ExportConfig()
    reduce: ReduceConfig = ReduceConfig()
    search: SearchConfig = SearchConfig()
    store: StoreConfig = StoreConfig()
    preset: Literal["fast", "balanced", "best"] | None = None
    """The name of the choice between quality and milliseconds that this is; the bundle tells it."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    deterministic: bool = False
    """The same result bit for bit on the same machine, a little slower."""
    mixed_precision: bool = False
    """Half precision in the backbone; for GPUs that have it."""
    strategy: Literal["auto", "one", "mirrored", "multiworker"] = "auto"
    """Which devices train: auto is mirrored on several GPUs, one otherwise."""

    @model_validator(mode="after")
    def _one_kind_of_learning(self) -> Self:
        if len({stage.loss == "nt-xent" for stage in (self.head, self.finetune) if stage.enabled}) > 1:
            raise ValueError("head and finetune both learn by nt-xent, or both by labels")
        return self

    @model_validator(mode="after")
    def _faces_seen_whole(self) -> Self:
        if self.faces is not None and self.encoder.fit != "whole":
            raise ValueError('faces are cut out to be seen whole: leave fit = "whole" under [encoder]')
        return self

    @property
    def mirror(self) -> bool:
        """Whether embeddings are averaged with those of mirrored pictures."""
        return self.encoder.mirror or (self.faces is not None and self.faces.mirror)

    @property
    def self_supervised(self) -> bool:
        """Whether labels are not to be looked at."""
        return any(stage.enabled and stage.loss == "nt-xent" for stage in (self.head, self.finetune))


def load_config(path: Path) -> Config:
    """Read a configuration: a TOML file, or one that comes with the trainer, by its name alone, such as `demo`.

    Raises ConfigError that names each key that is wrong, and where.
    """
    ready = CONFIGS / f"{path.name}.toml"
    is_name = path == Path(path.name) and not path.suffix and ready.is_file()
    try:
        fields = tomllib.loads((ready if is_name else path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        config_names = ", ".join(sorted(file.stem for file in CONFIGS.glob("*.toml")))
        raise ConfigError(
            f"There is no configuration {path}. Name a TOML file, or a ready one: {config_names}."
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from error
    try:
        return Config.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path} does not fit ({problems}). The keys are listed in trainer/config.") from error
