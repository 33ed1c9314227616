"""Whole runs in this process, with a network that is built in no time: what no single stage shows."""

from pathlib import Path
from typing import Any

import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.support.marks import with_crashes
from tests.trainer.tuning import SIDE, Quiet, pictures_in, scores
from trainer.config import Config
from trainer.evaluation.metrics import Scores
from trainer.networks.forms import Encoders
from trainer.run import pipeline
from trainer.run.inputs import read_inputs
from trainer.run.pipeline import Outcome
from trainer.training.epochs.dataset import Pictures
from trainer.training.quantization import int8_encoder

SLOW = pytest.mark.slow
pytestmark = [
    pytest.mark.usefixtures("tiny_siamese"),
    # Keras does so when it saves a network.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

CONFIG = {
    "encoder": {"backbone": "siamese", "weights": "none", "size": SIDE},
    "head": {"dims": [6], "shrinkage": [0.1], "views": 2, "max_epochs": 2},
    "reduce": {"dims": 4},
}


def run_here(source: Path, artifacts: Path, **changes: Any) -> tuple[Outcome, Quiet]:
    listener = Quiet()
    inputs = read_inputs(str(source), Config.model_validate(CONFIG | changes), artifacts, listener)
    return pipeline.run(inputs, listener), listener


@pytest.mark.parametrize("labels", [0, pytest.param(1, marks=SLOW)])
def test_a_folder_without_two_labels_is_tuned_by_views(labels: int, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    home = shop / "cups" if labels else shop
    home.mkdir(parents=True)
    pictures_in(home, labels=4, each=6)
    outcome, listener = run_here(shop, tmp_path / "artifacts")
    assert any("augmented views of each picture are what is alike" in note for note in listener.notes)
    assert outcome.items == 24
    assert list(outcome.scores) == ["frozen", "head"]
    assert outcome.scores["frozen"].queries == 5  # a fifth, by their details
    bundle.verify(bundle.bundle_path(tmp_path / "artifacts", outcome.bundle_id))


def test_of_pictures_of_which_some_have_labels_those_train_and_all_are_indexed(tmp_path: Path) -> None:
    made = pictures_in(tmp_path, labels=4, each=5, unlabelled=6)
    lines = [f"{one.picture.path.name},{one.picture.label or ''}" for one in made.files]
    (tmp_path / "shop.csv").write_text("\n".join(["path,label", *lines]))
    outcome, listener = run_here(tmp_path / "shop.csv", tmp_path / "artifacts")
    assert outcome.items == 26
    assert not any("augmented views" in note for note in listener.notes)
    assert outcome.scores["head"].queries == 4  # one of each label
    catalogue = Catalogue(bundle.catalogue_url(tmp_path / "artifacts"))
    assert sum(item.label is None for item in catalogue.items()) == 6
    catalogue.close()
    folder = bundle.bundle_path(tmp_path / "artifacts", outcome.bundle_id)
    assert bundle.read_manifest(folder).counts.labels == 4


@pytest.mark.parametrize(("after", "kept"), [(0.795, True), pytest.param(0.785, False, marks=SLOW)])
def test_int8_is_published_only_where_it_costs_little(
    after: float, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def costs(encoder: Encoders, pictures: Pictures) -> tuple[Encoders, Scores, Scores]:
        quantised, *_measured = int8_encoder(encoder, pictures)
        return quantised, scores(0.9, 0.8), scores(0.9, after)

    monkeypatch.setattr(pipeline, "int8_encoder", costs)
    (tmp_path / "shop").mkdir()
    pictures_in(tmp_path / "shop", labels=3, each=5)
    for label in range(3):
        (tmp_path / "shop" / str(label)).mkdir()
        for path in (tmp_path / "shop").glob(f"{label}-*.png"):
            path.rename(path.parent / str(label) / path.name)
    outcome, listener = run_here(tmp_path / "shop", tmp_path / "artifacts", export={"int8": True, "int8_drop": 0.01})
    (int8_note,) = [note for note in listener.notes if note.startswith("int8: ")]
    assert ("kept." in int8_note) == kept
    assert ("refused, as it costs more than int8_drop = 0.01" in int8_note) != kept
    manifest = bundle.verify(bundle.bundle_path(tmp_path / "artifacts", outcome.bundle_id))
    assert manifest.encoder.precision == ("int8" if kept else "float32")
    assert manifest.metrics["float32"]["map"] == 0.8
    assert manifest.metrics["int8"]["map"] == after


@with_crashes
def test_a_run_that_was_killed_while_it_published_publishes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    pictures_in(tmp_path / "shop", labels=3, each=5)
    config, artifacts = Config.model_validate(CONFIG), tmp_path / "artifacts"
    inputs = read_inputs(str(tmp_path / "shop"), config, artifacts, Quiet())

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for moment in ("publish", "verify"):  # bundle and vectors are there; once without items
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(bundle, moment, killed)
            pipeline.run(inputs, Quiet(), resume=True)
    (written,) = (artifacts / "bundles").iterdir()
    outcome = pipeline.run(inputs, Quiet(), resume=True)
    assert outcome.bundle_id == written.name == bundle.current(artifacts)
    bundle.verify(written)
    assert list((artifacts / "work").iterdir()) == []
