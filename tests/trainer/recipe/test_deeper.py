"""The rest of a large budget: a second run that fine-tunes, and the better of both live."""

from dataclasses import replace
from typing import Any

import pytest

from retrieval import bundle
from tests.trainer.recipe.test_find import FIRST, shop
from tests.trainer.tuning import SIDE, Quiet
from trainer.config import Config, load_config
from trainer.recipe import deeper
from trainer.recipe.budget import Budget
from trainer.recipe.find import Recipe
from trainer.run import pipeline
from trainer.run.inputs import Inputs

__all__ = ["shop"]

pytestmark = [
    pytest.mark.usefixtures("tiny_siamese"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]
TUNED = {"head": {"dims": [3], "views": 0, "max_epochs": 0}, "reduce": {"dims": 6}}
ENCODER = {"encoder": {"backbone": "siamese", "weights": "none", "size": SIDE}}


def recipe_of(inputs: Inputs, *, seconds: float = 1e6, by: str = "image", **changes: Any) -> Recipe:
    config = Config.model_validate(ENCODER | TUNED | {"split": {"by": by}})
    inputs = replace(inputs, config=config)
    file = inputs.artifacts / "recipe.toml"
    recipe = Recipe(inputs, file, (), FIRST, "", Budget(seconds), 40, 0.01, lambda _frozen: None)
    return replace(recipe, **changes)


@pytest.mark.parametrize(("fit", "seen"), [("whole", "whole"), ("centre", "centre"), ("both", "whole")])
def test_the_whole_network_learns_for_as_many_epochs_as_fit(shop: Inputs, fit: str, seen: str) -> None:
    choice = replace(FIRST, fit=fit)  # type: ignore[arg-type]  # a parameter of the test
    # 25 pictures of 0.01 seconds and five passes: 1.25 seconds for an epoch, of 85 % of the budget.
    config = deeper.finetuning(recipe_of(shop, seconds=10, choice=choice))
    assert config is not None
    assert config.finetune.enabled
    assert config.finetune.max_epochs == 6
    assert not config.head.enabled
    encoder = config.encoder
    assert (encoder.backbone, encoder.fit, encoder.train_from) == ("efficientnet-lite0", seen, None)
    largest = deeper.finetuning(recipe_of(shop))
    assert largest is not None
    assert largest.finetune.max_epochs == deeper.MAX_EPOCHS


def test_for_new_labels_it_is_tuned_from_its_middle_on_and_gently(shop: Inputs) -> None:
    config = deeper.finetuning(recipe_of(shop, by="label"))
    assert config is not None
    assert (config.encoder.train_from, config.finetune.max_epochs) == ("blocks_6", 2)
    assert config.finetune.backbone_learning_rate == 1e-4
    assert config.head.enabled


@pytest.mark.parametrize("changes", [{"seconds": 4}, {"choice": None}, {"unit_seconds": None}])
def test_without_time_or_knowledge_there_is_no_second_run(shop: Inputs, changes: dict[str, Any]) -> None:
    assert deeper.finetuning(recipe_of(shop, **changes)) is None


@pytest.mark.parametrize("better", [True, False])
def test_the_better_of_both_runs_is_live(shop: Inputs, better: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, listener = recipe_of(shop), Quiet()
    first = pipeline.run(recipe.inputs, listener)
    plain = Config.model_validate(ENCODER | {"head": {"enabled": False}, "reduce": {"dims": 6}})
    monkeypatch.setattr(deeper, "finetuning", lambda _recipe: plain)
    monkeypatch.setattr(
        deeper, "_held_out_map", lambda _artifacts, run, _second: float(better == (run.bundle_id != first.bundle_id))
    )
    outcome = deeper.deepen(recipe, first, listener)
    assert (outcome.bundle_id != first.bundle_id) == better
    assert bundle.current(shop.artifacts) == outcome.bundle_id
    assert recipe.file.exists() == better
    if better:
        assert load_config(recipe.file) == plain
    assert any(note.startswith("Fine-tuned: mAP") for note in listener.notes)


def test_runs_are_compared_by_the_stage_that_each_has_reached(shop: Inputs) -> None:
    outcome = pipeline.run(recipe_of(shop).inputs, Quiet())
    reached = bundle.read_manifest(bundle.bundle_path(shop.artifacts, outcome.bundle_id)).encoder.stage
    assert deeper._held_out_map(shop.artifacts, outcome, outcome) == outcome.scores[reached].map
    nothing_measured = replace(outcome, scores={})
    assert deeper._held_out_map(shop.artifacts, nothing_measured, outcome) == outcome.scores["frozen"].map
