"""From a source and a budget of time to the configuration that suits it best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trainer.config import CONFIGS, load_config
from trainer.data import features
from trainer.data.features import Views
from trainer.errors import ConfigError
from trainer.networks import forms
from trainer.networks.forms import Encoders
from trainer.progress import Listener
from trainer.recipe import winner
from trainer.recipe.budget import Budget
from trainer.recipe.choices import Choice, Preset
from trainer.recipe.passes import Passes
from trainer.recipe.search import Outcome, Trial, search
from trainer.run.inputs import Inputs

UNLABELLED = CONFIGS / "unlabelled.toml"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was found: the inputs of the run that makes it a bundle, its file, and all trials, the winner's last."""

    inputs: Inputs
    file: Path
    trials: Sequence[Trial]
    choice: Choice | None
    reason: str
    budget: Budget
    minutes: float
    unit_seconds: float | None
    """What a picture takes the cheapest network on this machine; None where nothing was compared."""
    fill_cache: Callable[[Encoders], None]
    """Gives the run the features of its frozen encoder that are known already."""


def find_recipe(inputs: Inputs, minutes: float, preset: Preset, listener: Listener) -> Recipe:
    """Search for at most so many minutes, less what the run itself will take; write the winner to `recipe.toml`.

    What is computed is kept in the artifacts folder: a search that was stopped is soon as far again. Raises ConfigError
    for a configuration of faces.
    """
    if inputs.config.faces is not None:
        raise ConfigError("Faces have a recipe of their own, --config faces: it takes no --minutes.")
    budget = Budget(60 * minutes)
    base = winner.with_split(inputs.config, inputs.listing)
    cache = inputs.artifacts / "cache"
    passes = Passes((), cache, budget)
    labels = {picture.label for picture in inputs.listing.pictures} - {None}
    outcome = search(inputs.listing.pictures, base, preset, passes, budget, listener) if len(labels) > 1 else None
    if outcome is not None:
        config = winner.configuration(base, outcome, preset, len(labels))
    elif len(labels) > 1:
        config = base.model_copy(update={"preset": preset})
    else:
        ready = load_config(UNLABELLED)
        config = base.model_copy(update={"head": ready.head, "reduce": ready.reduce})
    file = inputs.artifacts / winner.FILE
    winner.write(file, config, inputs.source, minutes)

    def fill_cache(frozen: Encoders) -> None:
        if outcome is not None:
            name = features.cache_name(config, Views(), forms.fingerprint(frozen.graph))
            passes.fill(outcome.choice, cache / f"{name}.sqlite")

    return Recipe(
        replace(inputs, config=config),
        file,
        outcome.trials if outcome else (),
        outcome.choice if outcome else None,
        _reason(outcome, len(labels)),
        budget,
        minutes,
        passes.unit_seconds if outcome else None,
        fill_cache,
    )


def _reason(outcome: Outcome | None, labels: int) -> str:
    """Why it is this one, for people."""
    if labels < 2:
        return "There are not two labels to choose by: augmented views of each picture are what is alike."
    if outcome is None:
        return "Nothing could be compared in that time: the configuration stays as it was. Give it more --minutes."
    verdict = outcome.verdict
    gains = ", ".join(
        f"{name} labels {verdict.tuned[name]:.3f} (untuned {verdict.frozen[name]:.3f})" for name in verdict.tuned
    )
    head = (
        "no head, as each one hurt"
        if verdict.head is None
        else f"a head of which {verdict.head.general:.0%} is for labels that it has not seen"
    )
    return f"{outcome.choice.name}, with {head}: mAP of {gains}."
