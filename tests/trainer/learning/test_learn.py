"""`lookalike learn` through the command line: corrections and judgements in, a published bundle out, no TensorFlow."""

import json
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue, Item
from tests.conftest import ROOT, Trained, environment
from trainer.bundles import load_current, open_store
from trainer.learning.base import RECORD
from trainer.networks.graphs.cutting import without_head


@pytest.fixture
def artifacts(trained: Trained, tmp_path: Path) -> Path:
    """A copy of the small shop's folder, which may be changed."""
    return Path(shutil.copytree(trained.artifacts, tmp_path / "artifacts"))


def learn(artifacts: Path) -> "subprocess.CompletedProcess[str]":
    arguments = [sys.executable, "-X", "importtime", "-m", "lookalike", "learn", "--artifacts", str(artifacts)]
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False, env=environment())


def items_of(artifacts: Path) -> list[Item]:
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        return list(catalogue.items())


def correct(artifacts: Path, item: Item, label: str) -> None:
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as rows:
        changed = replace(item, label=label)
        rows.describe(changed)
        rows.history.add(item, changed, None)


def judge(artifacts: Path, first: Item, second: Item, verdict: str) -> None:
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as rows:
        rows.feedback.add(
            query_item=first.id,
            query_sha256=first.sha256,
            item=second.id,
            item_sha256=second.sha256,
            verdict=verdict,  # type: ignore[arg-type]
            said_by=None,
            key_name=None,
        )


def test_corrections_and_judgements_become_a_bundle_without_tensorflow(artifacts: Path) -> None:
    before, items = bundle.current(artifacts), items_of(artifacts)
    one, other = items[0], next(item for item in items if item.label != items[0].label)
    correct(artifacts, one, str(other.label))
    judge(artifacts, one, other, "same")
    judge(artifacts, other, one, "right")  # the same pair: the last word counts, once
    done = learn(artifacts)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Learned from 96 items, 1 of them corrected, and 1 judged pairs." in done.stdout
    assert "1 judgements tell nothing" in done.stdout
    assert "| tensorflow" not in done.stderr and "| keras" not in done.stderr
    after = bundle.current(artifacts)
    assert after != before and f"Published bundle {after}" in done.stdout
    folder = bundle.bundle_path(artifacts, after)
    manifest = bundle.verify(folder)
    assert manifest.encoder.stage == "head" and "report/evaluation.json" in manifest.files
    record = json.loads((folder / bundle.TRAINING / RECORD).read_text())
    assert (record["from"], record["corrected"], record["judged"]) == (before, 1, 1)
    loaded = load_current(artifacts)
    with closing(open_store(artifacts, loaded)) as store:
        assert set(store.ids()) == {item.id for item in items}
        (vector,) = loaded.embedder.embed([loaded.embedder.prepare((artifacts / one.location).read_bytes())])
        assert abs(vector - store.get(one.id)).max() < 1e-3
    assert items_of(artifacts) == [replace(one, label=other.label), *items[1:]]  # nothing of the catalogue has changed
    again = learn(artifacts)
    assert again.returncode == 1
    assert "nothing has changed since it was made" in again.stderr


@pytest.mark.parametrize("fault", ["nothing said", "no labels", "nothing published"])
def test_it_says_why_there_is_nothing_to_learn(artifacts: Path, tmp_path: Path, fault: str) -> None:
    said = {
        "nothing said": "Nobody has corrected, judged or added anything since the last training run",
        "no labels": "The catalogue has 0 labels, and it takes two to tell apart.",
        "nothing published": "Nothing is published",
    }
    if fault == "no labels":
        with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
            catalogue.replace_source([replace(item, label=None) for item in catalogue.items()])
    done = learn(tmp_path / "elsewhere" if fault == "nothing published" else artifacts)
    assert done.returncode == 1
    assert said[fault] in done.stderr
    assert "Traceback" not in done.stderr


def test_the_network_before_the_head_is_that_of_the_run(trained: Trained) -> None:
    """So that the features of the run are in the cache under its name."""
    folder = bundle.bundle_path(trained.artifacts, bundle.current(trained.artifacts))
    encoder = onnx.load(str(folder / bundle.ENCODER))
    base = without_head(encoder)
    assert base is not None
    assert without_head(base) is None
