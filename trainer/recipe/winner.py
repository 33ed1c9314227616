"""The winner as a plain configuration, and the file that repeats it."""

from pathlib import Path

import tomli_w

from retrieval.durable import write_atomically
from trainer.config import Config, HeadConfig, ReduceConfig, SplitConfig
from trainer.recipe.choices import DIMS as VECTOR_DIMS
from trainer.recipe.choices import Preset
from trainer.recipe.judge import DIMS, GENERAL_DIMS, GENERAL_SHRINKAGE
from trainer.recipe.search import Outcome
from trainer.sources.base import Listing

FILE = "recipe.toml"
DOUBT = 0.03
"""mAP by which the run's own draws of labels, fewer than the search's, may differ from what these said."""


def with_split(config: Config, listing: Listing) -> Config:
    """The configuration with the publisher's split, where there is one and none has been asked for."""
    if config.split == SplitConfig() and any(picture.part for picture in listing.pictures):
        return config.model_copy(update={"split": SplitConfig(by="publisher")})
    return config


def configuration(config: Config, outcome: Outcome, preset: Preset, labels: int) -> Config:
    """The configuration of the winner, for a source with so many labels; what is not chosen stays as it was."""
    head = HeadConfig(enabled=False)
    if outcome.verdict.head is not None:
        head = HeadConfig(
            dims=(max(2, min(DIMS, labels - 1)),),
            views=0,
            shrinkage=(outcome.verdict.head.shrinkage,),
            general=(outcome.verdict.head.general,),
            general_dims=GENERAL_DIMS,
            general_shrinkage=GENERAL_SHRINKAGE,
            new_label_loss=round(outcome.verdict.slack + DOUBT, 3),
            max_epochs=0,
        )
    sections = {
        "encoder": outcome.choice.encoder(),
        "head": head,
        "reduce": ReduceConfig(dims=VECTOR_DIMS[preset]),
        "preset": preset,
    }
    return config.model_copy(update=sections)


def write(path: Path, config: Config, source: str, minutes: float) -> None:
    """Write the configuration, with a comment that says how it was found. Raises OSError."""
    settings = config.model_dump(mode="json", exclude_defaults=True)
    line = source.encode("utf-8", "backslashreplace").decode().replace("\n", " ").replace("\r", " ")
    comment = f"# Found by: lookalike train --minutes {minutes:g}, on {line}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as draft:
        draft.write_text(comment + tomli_w.dumps(settings), encoding="utf-8")
