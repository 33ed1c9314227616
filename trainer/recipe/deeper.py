"""What the rest of a large budget is for: the network itself, fine-tuned in a second run, and the better of both live.

The first run is served as soon as it is done, so that whatever happens to the second one, there is a result.
"""

from dataclasses import replace
from pathlib import Path

from retrieval import bundle
from trainer.config import Config, FinetuneConfig, HeadConfig, ReduceConfig
from trainer.progress import Listener
from trainer.recipe import winner
from trainer.recipe.choices import FAST, Choice
from trainer.recipe.find import Recipe
from trainer.releases import release
from trainer.run import pipeline
from trainer.run.pipeline import Outcome

TRAINING_COST = 5.0
"""What a picture of an epoch costs, in passes forward: there, back, and its augmentation."""
MIN_EPOCHS, MAX_EPOCHS = 3, 12
GENTLE_EPOCHS, GENTLE_RATE, MIDDLE = 2, 1e-4, "blocks_6"
"""For labels that are new, the network is tuned from its middle on, little and slowly."""


def deepen(recipe: Recipe, first: Outcome, listener: Listener) -> Outcome:
    """Fine-tune if there is time for it; the run that is better on the held-out pictures stays live."""
    config = finetuning(recipe)
    if config is None or first.release.refused:
        return first
    epochs = config.finetune.max_epochs
    listener.note(f"There is time to fine-tune the network for {epochs} epochs; the better of both will be live.")
    inputs = replace(recipe.inputs, config=config)
    second = pipeline.run(inputs, listener)
    if second.release.refused:
        return first
    before, after = (_held_out_map(inputs.artifacts, outcome, second) for outcome in (first, second))
    message = f"Fine-tuned: mAP {after:.3f} on the held-out pictures, before {before:.3f}"
    if after <= before:
        listener.note(f"{message}: the first stays live.")
        release.publish(inputs.artifacts, first.bundle_id, listener, forced=True)
        return first
    listener.note(f"{message}.")
    winner.write(recipe.file, config, inputs.source, recipe.minutes)
    return second


def finetuning(recipe: Recipe) -> Config | None:
    """The configuration of the second run; None where its epochs would not end in time, or nothing was compared."""
    if recipe.choice is None or recipe.unit_seconds is None:
        return None
    choice = Choice((FAST,), fit="whole" if recipe.choice.fit == "both" else recipe.choice.fit)
    new_labels = recipe.inputs.config.split.by == "label"
    epoch = TRAINING_COST * recipe.unit_seconds * choice.cost * len(recipe.inputs.listing.pictures)
    epochs = min(GENTLE_EPOCHS if new_labels else MAX_EPOCHS, int(recipe.budget.left / epoch))
    if epochs < (GENTLE_EPOCHS if new_labels else MIN_EPOCHS):
        return None
    shared = {"enabled": True, "loss": "triplet", "max_epochs": epochs, "patience_epochs": 5}
    if new_labels:
        encoder = choice.encoder().model_copy(update={"train_from": MIDDLE})
        rates = {"learning_rate": GENTLE_RATE, "backbone_learning_rate": GENTLE_RATE}
        head = HeadConfig(dims=(128, 256), views=0)
    else:
        encoder, rates, head = choice.encoder(), {}, HeadConfig(enabled=False)
    return recipe.inputs.config.model_copy(
        update={
            "encoder": encoder,
            "head": head,
            "finetune": FinetuneConfig.model_validate(shared | rates),
            "reduce": ReduceConfig(dims=256),
        }
    )


def _held_out_map(artifacts: Path, outcome: Outcome, second: Outcome) -> float:
    """mAP on the held-out pictures, the same ones in both runs, of the stage that a run has reached.

    A first run without a head has measured nothing: the frozen network of the second one stands for it.
    """
    stage = bundle.read_manifest(bundle.bundle_path(artifacts, outcome.bundle_id)).encoder.stage
    return (outcome.scores.get(stage) or second.scores["frozen"]).map
