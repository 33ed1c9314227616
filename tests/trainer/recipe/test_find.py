"""The automatic recipe, with a network that is built in no time: what it tries, writes and hands to the run."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from retrieval import bundle
from tests.trainer.tuning import SIDE, Quiet, no_progress, pictures_in
from trainer.config import Config, load_config
from trainer.data.loading import load_prepared
from trainer.errors import ConfigError
from trainer.networks import encoders
from trainer.recipe import choices, search
from trainer.recipe.budget import Budget
from trainer.recipe.choices import Choice
from trainer.recipe.find import Recipe, find_recipe
from trainer.recipe.passes import Passes
from trainer.run import pipeline
from trainer.run.inputs import Inputs, read_inputs

pytestmark = [
    pytest.mark.usefixtures("tiny_siamese"),
    # Keras does so when it saves a network.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

FIRST = Choice(("siamese",), SIDE)


def refined(choice: Choice) -> Iterator[Choice]:
    yield replace(choice, fit="both")
    yield replace(choice, mirror=True)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inputs:
    """Four labels with six pictures each, and a race of two rungs."""
    (tmp_path / "shop").mkdir()
    made = pictures_in(tmp_path / "shop", labels=4, each=6)
    lines = [f"{one.picture.path},{one.picture.label}" for one in made.files]
    (tmp_path / "shop" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "shop.csv").write_text("\n".join(["path,label", f"{tmp_path / 'shop' / 'broken.png'},label 1", *lines]))
    monkeypatch.setattr(search, "RUNGS", ((12, None), (40, refined)))
    monkeypatch.setattr(search, "SURVIVOR_COUNTS", (2, 1))
    monkeypatch.setattr(
        choices, "looks", lambda: iter([FIRST, replace(FIRST, fit="centre"), replace(FIRST, pooling="avg+gem+max")])
    )
    return read_inputs(str(tmp_path / "shop.csv"), Config(), tmp_path / "artifacts", Quiet())


def recipe_for(inputs: Inputs, minutes: float = 5) -> Recipe:
    keras.utils.set_random_seed(0)
    return find_recipe(inputs, minutes, "best", Quiet())


def test_the_winner_is_written_run_and_served(shop: Inputs) -> None:
    recipe = recipe_for(shop)
    assert {trial.choice for trial in recipe.trials} >= {FIRST, replace(FIRST, fit="centre")}
    assert any(trial.choice.mirror for trial in recipe.trials)
    assert recipe.choice is not None
    assert recipe.inputs.config == load_config(recipe.file)
    assert recipe.inputs.config.encoder == recipe.choice.encoder()
    assert recipe.choice.name in recipe.reason
    keras.utils.set_random_seed(0)
    listener = Quiet()
    outcome = pipeline.run(recipe.inputs, listener, fill_cache=recipe.fill_cache)
    assert not any("differ from the written encoder" in note for note in listener.notes)
    assert outcome.items == 24
    loaded = bundle.load(bundle.bundle_path(shop.artifacts, outcome.bundle_id))
    assert loaded.manifest.preset == "best"
    assert loaded.embedder.fit == recipe.choice.fit
    path = shop.listing.pictures[3].path
    prepared = loaded.embedder.prepare(path.read_bytes())
    assert prepared.shape == (SIDE * (2 if recipe.choice.fit == "both" else 1), SIDE, 3)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    ("fit", "pooling"), [("whole", "avg"), ("centre", "gem"), ("both", "avg+gem+max"), ("both", "max")]
)
def test_what_is_compared_is_what_the_encoder_gives(shop: Inputs, fit: str, pooling: str, mirror: bool) -> None:
    choice = replace(FIRST, fit=fit, pooling=pooling, mirror=mirror)  # type: ignore[arg-type]  # parameters of the test
    passes = Passes(shop.listing.pictures, shop.artifacts / "cache", Budget(600))
    features = passes.embeddings(choice, 9, no_progress)
    assert features is not None
    assert len(features) == 8  # one picture of the nine is broken
    keras.utils.set_random_seed(0)
    config = choice.encoder()
    encoder = encoders.frozen(config, mirror=config.mirror).onnx
    pictures = [file.picture for file in passes.files[:8]]
    wanted = encoder.encode(np.stack(load_prepared(pictures, encoder, fit=config.fit)))
    np.testing.assert_allclose(features, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_networks_side_by_side_are_compared_as_they_are_joined(shop: Inputs) -> None:
    choice = replace(FIRST, backbones=("siamese", "siamese"))
    passes = Passes(shop.listing.pictures, shop.artifacts / "cache", Budget(600))
    alone, both = (passes.embeddings(one, 9, no_progress) for one in (FIRST, choice))
    assert alone is not None
    assert both is not None
    lengths = np.linalg.norm(alone, axis=1, keepdims=True)
    np.testing.assert_allclose(both, np.hstack([alone / lengths] * 2), rtol=1e-5)
    assert len(choice.encoder().ensemble) == 2


def test_what_was_computed_is_kept(shop: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    first = recipe_for(shop)

    def no_network(*_: object) -> None:
        raise AssertionError("the network is known already")

    monkeypatch.setattr("trainer.recipe.passes._pooling_network", no_network)
    again = recipe_for(shop)
    assert [trial.choice for trial in again.trials] == [trial.choice for trial in first.trials]
    assert again.inputs.config == first.inputs.config


def test_no_time_leaves_the_configuration_as_it_was(shop: Inputs) -> None:
    recipe = recipe_for(shop, minutes=0)
    assert recipe.choice is None
    assert "Give it more --minutes" in recipe.reason
    assert recipe.inputs.config == shop.config.model_copy(update={"preset": "best"}) == load_config(recipe.file)


def test_faces_have_a_recipe_of_their_own(shop: Inputs) -> None:
    faces = replace(shop, config=Config.model_validate({"faces": {}}))
    with pytest.raises(ConfigError, match="it takes no --minutes"):
        find_recipe(faces, 5, "fast", Quiet())


def test_pictures_without_labels_learn_from_their_views(shop: Inputs) -> None:
    bare = replace(
        shop, listing=replace(shop.listing, pictures=[replace(p, label=None) for p in shop.listing.pictures])
    )
    recipe = recipe_for(bare)
    assert recipe.choice is None
    assert "augmented views" in recipe.reason
    assert recipe.inputs.config.head.loss == "nt-xent"


@pytest.mark.parametrize("preset", ["fast", "balanced", "best"])
def test_presets_bound_what_a_query_costs(preset: choices.Preset) -> None:
    first = Choice()
    allowed = [c for c in (*choices.encoders(first), *choices.refinements(first)) if c.cost <= choices.MAX_COST[preset]]
    assert all(len(choice.backbones) == 1 for choice in allowed) == (preset == "fast")
    deepest = replace(first, backbones=(choices.FAST, choices.ACCURATE), fit="both", mirror=True)
    assert (deepest.cost <= choices.MAX_COST[preset]) == (preset == "best")
