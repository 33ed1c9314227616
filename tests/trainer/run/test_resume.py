"""A run that is killed and gone on with gives what an uninterrupted one gives, to the last bit."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval import bundle
from tests.conftest import ROOT, environment
from tests.trainer.training.epochs.test_history import events
from trainer.sources import pottery

pytestmark = [pytest.mark.slow, pytest.mark.crash]

CONFIG = """
deterministic = true
seed = 3

[encoder]
backbone = "siamese"
weights = "none"
size = 32

[autoencoder]
enabled = true
frozen_epochs = 1
epochs = 1
pictures_per_batch = 16

[head]
dims = [8, 16]
shrinkage = [0.1, 0.4]
views = 1
max_epochs = 4
labels_per_batch = 6
pictures_per_label = 4

[finetune]
enabled = true
labels_per_batch = 6
pictures_per_label = 4
max_epochs = 4

[reduce]
dims = 8
"""


@dataclass(frozen=True)
class Shop:
    """Pictures, a configuration with every stage, and what an uninterrupted run made of them."""

    source: Path
    config: Path
    artifacts: Path
    events: Path
    seconds: float
    errors: str

    def command(self, artifacts: Path, *options: object) -> list[str]:
        arguments = ("--source", self.source, "--config", self.config, "--artifacts", artifacts, *options)
        return [sys.executable, "-m", "trainer", "run", *map(str, arguments)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    home = tmp_path_factory.mktemp("resume")
    source = pottery.make(home / "pictures", pieces=8, photos=6, size=48)
    (home / "config.toml").write_text(CONFIG)
    shop = Shop(source, home / "config.toml", home / "artifacts", home / "events", 0, "")
    began = time.monotonic()
    command = shop.command(shop.artifacts, "--tensorboard", shop.events)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    return Shop(source, shop.config, shop.artifacts, shop.events, time.monotonic() - began, done.stderr)


def outcome(artifacts: Path) -> dict[str, Any]:
    """All that a run measures: the manifest's metrics, and the history without its seconds."""
    folder = bundle.bundle_path(artifacts, bundle.current(artifacts))
    manifest = bundle.verify(folder)
    return {
        "metrics": {stage: dict(measures) for stage, measures in manifest.metrics.items()},
        "stage": manifest.encoder.stage,
        "encoder": manifest.files["encoder.onnx"],
        "history": [{k: v for k, v in row.items() if k != "seconds"} for row in history(folder)],
    }


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "training" / "history.csv").open() as file:
        return list(csv.DictReader(file))


def kill_when(shop: Shop, artifacts: Path, reached: Callable[[], bool], *options: object) -> bool:
    """Kill a run once it has `reached` something. Returns False when it was over before."""
    run = subprocess.Popen(shop.command(artifacts, *options), cwd=ROOT, stderr=subprocess.DEVNULL, env=environment())
    while not reached():
        if run.poll() is not None:
            assert run.returncode == 0
            return False
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    return True


def go_on(shop: Shop, artifacts: Path) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        shop.command(artifacts, "--resume"), cwd=ROOT, capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_killed_in_the_middle_of_fine_tuning(shop: Shop, tmp_path: Path) -> None:
    def in_the_second_epoch() -> bool:
        return bool(list(tmp_path.glob("work/*/finetune.npz")))

    assert kill_when(shop, tmp_path, in_the_second_epoch)
    (work,) = (tmp_path / "work").iterdir()
    assert not (tmp_path / "CURRENT").exists()
    (work / ".finetune.npz.part").write_bytes((work / "finetune.npz").read_bytes()[:1000])  # as if killed while writing
    done = go_on(shop, tmp_path)
    assert f"Going on with run {work.name}" in done.stderr
    assert bundle.current(tmp_path) == work.name
    assert list((tmp_path / "work").iterdir()) == []
    assert outcome(tmp_path) == outcome(shop.artifacts)


def _is_over(moment: float) -> bool:
    return time.monotonic() > moment


@pytest.mark.parametrize("kills", [5])
def test_killed_at_random_moments(kills: int, shop: Shop, tmp_path: Path) -> None:
    """Anywhere in a run: while TensorFlow loads, in every stage, while it publishes."""
    wanted, rng = outcome(shop.artifacts), np.random.default_rng(20)
    for number in range(kills):
        artifacts = tmp_path / str(number)
        moment = time.monotonic() + rng.uniform(0.1, 1.0) * shop.seconds
        kill_when(shop, artifacts, partial(_is_over, moment))
        moment = time.monotonic() + rng.uniform(0.1, 1.0) * shop.seconds
        kill_when(shop, artifacts, partial(_is_over, moment), "--resume")
        go_on(shop, artifacts)
        assert outcome(artifacts) == wanted
        shutil.rmtree(artifacts)


# What else an uninterrupted run with every stage leaves behind.


def test_every_stage_is_measured_and_said(shop: Shop) -> None:
    result = outcome(shop.artifacts)
    assert list(result["metrics"]) == ["frozen", "autoencoder", "head", "finetune"]
    for stage in ("autoencoder", "head", "finetune"):
        (line,) = [line for line in shop.errors.splitlines() if line.strip().startswith(f"{stage}: recall@1 ")]
        assert f"mAP {result['metrics'][stage]['map']:.3f}" in line
    rows = result["history"]
    assert [(row["stage"], int(row["epoch"])) for row in rows if row["stage"] == "autoencoder"] == [
        ("autoencoder", 1),
        ("autoencoder", 2),
    ]
    tuned = [row for row in rows if row["stage"] == "finetune"]
    assert [int(row["epoch"]) for row in tuned] == list(range(len(tuned)))
    assert all(float(row["loss"]) > 0 for row in tuned[1:])


def test_the_report_has_a_sheet_for_each_epoch_of_the_autoencoder(shop: Shop) -> None:
    folder = bundle.bundle_path(shop.artifacts, bundle.current(shop.artifacts))
    names = sorted(path.name for path in (folder / "report").glob("*.webp"))
    assert names == ["autoencoder-epoch-01.webp", "autoencoder-epoch-02.webp"]


def test_tensorboard_reads_what_history_csv_says(shop: Shop) -> None:
    folder = bundle.bundle_path(shop.artifacts, bundle.current(shop.artifacts))
    wanted = {
        (row["stage"], name, int(row["epoch"])): float(row[name])
        for row in history(folder)
        for name in ("loss", "recall_at_1", "map", "seconds")
        if row[name] and row["loss"]  # where a stage starts, no epoch ends
    }
    assert events(shop.events) == pytest.approx(wanted, rel=1e-6)


def test_the_split_is_written_into_the_bundle(shop: Shop) -> None:
    folder = bundle.bundle_path(shop.artifacts, bundle.current(shop.artifacts))
    with (folder / "training" / "split.csv").open() as file:
        parts = [row["part"] for row in csv.DictReader(file)]
    assert len(parts) == 48
    assert parts.count("validation") == 8
    assert json.loads((folder / "manifest.json").read_text())["split"] == {"by": "image", "share": 0.2}
