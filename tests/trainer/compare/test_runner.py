"""Real small runs compared: what is measured and on what, and what is not done twice."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import typer
from typer.testing import CliRunner

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.support.bundles import EMBEDDING_DIMS, GRID, SIDE, picture, write_encoder
from tests.support.marks import with_crashes
from tests.trainer.compare.examples import ODD, Quiet, shelves
from trainer.bundles import load_current, open_store
from trainer.commands.compare import compare as command
from trainer.compare import runner as module
from trainer.compare.page import write
from trainer.compare.plan import plan
from trainer.compare.results import Comparison, count_parameters
from trainer.networks.graphs.building import with_head
from trainer.run.inputs import Inputs
from trainer.sources import pottery

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, as it saves

HEAD = """
[encoder]
backbone = "siamese"
weights = "none"
[head]
dims = [16]
views = 1
max_epochs = 3
[reduce]
dims = 12
"""
FINETUNE = """
[encoder]
backbone = "siamese"
weights = "none"
[head]
enabled = false
[finetune]
enabled = true
loss = "softmax"
labels_per_batch = 4
max_epochs = 2
[reduce]
dims = 12
"""
UNTUNED = 'encoder = {backbone = "siamese", weights = "none"}\nhead = {enabled = false}\nreduce = {dims = 12}\n'
UNREACHABLE = '[encoder]\nbackbone = "resnet50"\nweights = "nowhere.h5"\n'


@dataclass(frozen=True)
class Compared:
    """Four configurations over a shop of 6 pieces with 8 photographs each; two of them cannot work."""

    source: Path
    configs: Sequence[Path]
    artifacts: Path
    comparison: Comparison


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Not to be changed."""
    home = tmp_path_factory.mktemp("compared")
    source = pottery.make(home / "shop", pieces=6, photos=8, size=64)
    texts = {"head": HEAD, ODD: FINETUNE, "unreachable": UNREACHABLE}
    for name, text in texts.items():
        (home / f"{name}.toml").write_text(text)
    configs = [home / f"{name}.toml" for name in (*texts, "absent")]
    comparison = compare(configs, str(source), home / "artifacts", Quiet())
    return Compared(source, configs, home / "artifacts", comparison)


def compare(paths: Sequence[Path], source: str, artifacts: Path, listener: Quiet) -> Comparison:
    """As the command does it."""
    return module.compare(plan(paths, source, artifacts, listener), source, artifacts, listener)


@pytest.mark.slow
def test_every_configuration_before_and_after_and_why_the_others_failed(compared: Compared) -> None:
    comparison = compared.comparison
    assert [(r.configuration, r.tuned) for r in comparison.rows] == [
        ("head", False),
        ("head", True),
        (ODD, False),
        (ODD, True),
    ]
    assert {r.encoder for r in comparison.rows} == {"siamese"}
    assert len({r.artifacts for r in comparison.rows}) == 3  # both start from the same
    assert [r.stage for r in comparison.rows if not r.tuned] == ["frozen", "frozen"]
    assert [failure.configuration for failure in comparison.failures] == ["unreachable", "absent"]
    assert "nowhere.h5" in comparison.failures[0].reason
    assert "There is no configuration" in comparison.failures[1].reason
    assert len({r.measured_on.digest for r in comparison.rows}) == 1
    before, after = comparison.rows[0], comparison.rows[1]
    assert before.training_seconds == 0
    assert after.training_seconds == sum(epoch.seconds for epoch in after.history) > 0
    assert set(after.losses) == {"head"}
    assert all(value > 0 for r in comparison.rows for value in r.query_milliseconds.values())
    assert comparison.rows[2].losses == {}
    assert comparison.rows[3].losses == {"finetune": "softmax"}


@pytest.mark.slow
def test_the_figures_are_those_of_a_loop(compared: Compared) -> None:
    for measured in compared.comparison.rows:
        artifacts = Path(measured.artifacts)
        loaded = load_current(artifacts)
        with (artifacts / "source.csv").open(newline="") as file:
            test = {line["id"] for line in csv.DictReader(file) if line["part"] == "test"}
        catalogue, store = Catalogue(bundle.catalogue_url(artifacts)), open_store(artifacts, loaded)
        items = list(catalogue.items())
        vectors = {item.id: store.get(item.id).astype(np.float64) for item in items}
        catalogue.close()
        store.close()
        queries, gallery = [i for i in items if i.id in test], [i for i in items if i.id not in test]
        averages, firsts, f1s, near = [], [], [], []
        for query in queries:
            distances = []
            for other in gallery:
                a, b = vectors[query.id], vectors[other.id]
                distances.append((1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b), other.label == query.label))
            ranked = sorted(distances)
            right = [hit for _distance, hit in ranked]
            ranks = [place for place, hit in enumerate(right, start=1) if hit]
            averages.append(np.mean([(n + 1) / rank for n, rank in enumerate(ranks)]))
            firsts.append(any(right[:5]))
            precision, recall = sum(right[:5]) / 5, sum(right[:5]) / len(ranks)
            f1s.append(2 * precision * recall / (precision + recall) if precision else 0)
            near += [distance for distance, hit in ranked[:10] if hit]
        assert (measured.measured_on.queries, measured.measured_on.gallery) == (len(queries), len(gallery)) == (12, 36)
        assert measured.map == pytest.approx(np.mean(averages), abs=1e-6)
        assert measured.at[1].accuracy == pytest.approx(np.mean(firsts))
        assert measured.at[1].f1 == pytest.approx(np.mean(f1s))
        assert measured.hits is not None
        assert measured.hits.cosine == pytest.approx(np.mean(near), abs=1e-5)


@pytest.mark.slow
def test_no_run_looks_at_the_test_pictures(compared: Compared) -> None:
    for measured in compared.comparison.rows:
        artifacts = Path(measured.artifacts)
        parts = artifacts / "bundles" / measured.bundle / "training" / "split.csv"
        with parts.open(newline="") as file, (artifacts / "source.csv").open(newline="") as table:
            known = {line["id"]: line["part"] for line in csv.DictReader(file)}
            wanted = {line["id"]: line["part"] for line in csv.DictReader(table)}
        assert sorted(set(wanted.values())) == ["test", "train", "validation"]
        if measured.tuned:
            assert known == wanted


@pytest.mark.slow
def test_a_second_comparison_trains_nothing(compared: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def run(inputs: Inputs, *_rest: object, **_more: object) -> None:
        started.append(inputs.config.encoder.name)
        raise OSError("this is no new run")

    monkeypatch.setattr("trainer.run.pipeline.run", run)
    again = compare(compared.configs, str(compared.source), compared.artifacts, Quiet())
    assert started == []
    timeless: dict[str, Any] = {"query_milliseconds": {}}
    assert [replace(r, **timeless) for r in again.rows] == [replace(r, **timeless) for r in compared.comparison.rows]
    namesake = compared.configs[0].parent / "elsewhere" / "head.toml"  # of the same name
    namesake.parent.mkdir()
    namesake.write_text(HEAD.replace("dims = [16]", "dims = [8]"))
    both = compare([compared.configs[0], namesake], str(compared.source), compared.artifacts, Quiet())
    assert started == ["siamese"]
    names = [str(path.with_suffix("")) for path in (compared.configs[0], namesake)]
    assert [(r.configuration, r.tuned) for r in both.rows] == [(names[0], False), (names[0], True), (names[1], False)]
    assert [failure.configuration for failure in both.failures] == [names[1]]


@with_crashes
def test_ctrl_c_and_the_same_command_goes_on(tmp_path: Path) -> None:
    folder = shelves(tmp_path / "shop", labels=4, pictures=6)
    config = tmp_path / "plain.toml"
    config.write_text(UNTUNED)
    with pytest.raises(KeyboardInterrupt):
        compare([config], str(folder), tmp_path / "artifacts", Quiet(stop_at="Writing the bundle"))
    listener = Quiet()
    (measured,) = compare([config], str(folder), tmp_path / "artifacts", listener).rows
    assert not measured.tuned
    assert any(note.startswith("Going on with run") for note in listener.notes)
    out = tmp_path / "out"
    out.mkdir()
    (out / "compare.png").write_bytes(b"of the comparison before")
    write(Comparison(str(folder), datetime.now(UTC), (measured,), ()), out)
    assert {path.name for path in out.iterdir()} == {"compare.html", "compare.json"}  # nothing trained, no curves
    assert "Nothing was trained" in (out / "compare.html").read_text()


def test_without_labels_there_is_nothing_to_compare_by(tmp_path: Path) -> None:
    folder = tmp_path / "pile"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.jpg").write_bytes(picture(number))
    config = tmp_path / "plain.toml"
    config.write_text(UNTUNED)
    comparison = compare([config], str(folder), tmp_path / "artifacts", Quiet())
    assert not comparison.rows
    assert "nothing to compare by" in comparison.failures[0].reason


def test_parameters_are_counted_once(tmp_path: Path) -> None:
    write_encoder(tmp_path / "plain.onnx")
    kernel = EMBEDDING_DIMS * 3 * (SIDE // GRID) ** 2
    assert count_parameters(tmp_path / "plain.onnx") == kernel
    head = np.random.default_rng(0).normal(size=(EMBEDDING_DIMS, 5)).astype(np.float32)
    onnx.save(with_head(onnx.load(tmp_path / "plain.onnx"), head), tmp_path / "headed.onnx")
    assert count_parameters(tmp_path / "headed.onnx") == kernel + head.size


@pytest.mark.slow
def test_the_command(compared: Compared, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    options = ["--source", str(compared.source), "--artifacts", str(compared.artifacts)]
    configs = [str(path) for path in compared.configs]
    done = CliRunner().invoke(app, [*configs, *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (compared.artifacts / "compare" / "latest" / "compare.html").exists()
    assert not (compared.artifacts / "CURRENT").exists()  # what is served has not changed
    done = CliRunner().invoke(app, [configs[3], *options, "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert done.exit_code == 1
    assert not (tmp_path / "out").exists()
    assert "Example" in CliRunner().invoke(app, ["--help"]).output
