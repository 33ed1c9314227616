"""The worker: jobs become commands, their progress and their end are told, and it ends when it is asked to."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.catalogue.records.jobs import Job, Kind
from tests.conftest import ROOT, Trained, environment
from trainer.jobs import worker as workers
from trainer.jobs.progress import SETTING, read_progress, tell_worker


@pytest.fixture
def artifacts(trained: Trained, tmp_path: Path) -> Path:
    """A copy of the small shop's folder, which may be changed."""
    return Path(shutil.copytree(trained.artifacts, tmp_path / "artifacts"))


def ask(artifacts: Path, kind: Kind) -> Job:
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as rows:
        return rows.jobs.add(kind, None)[0]


def job_of(artifacts: Path, name: str) -> Job:
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        job = catalogue.jobs.get(name)
    assert job is not None
    return job


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.1)


def start(artifacts: Path, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "lookalike", "worker", "--artifacts", str(artifacts), *options]
    return subprocess.Popen(command, cwd=ROOT, env=environment())


def test_a_correction_is_learned_and_published_by_the_worker(artifacts: Path) -> None:
    """The API takes up what is published within seconds: tests/api/serving/activation."""
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as rows:
        item = rows.get(next(iter(catalogue.ids())))
        changed = replace(item, label="corrected")
        rows.describe(changed)
        rows.history.add(item, changed, None)
    before, job = bundle.current(artifacts), ask(artifacts, "learn")
    nothing = ask(artifacts, "report")
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as rows:
        rows.jobs.cancel(nothing.job)
    assert start(artifacts, "--once").wait() == 0
    ended = job_of(artifacts, job.job)
    assert ended.state == "done", ended.outcome
    assert "1 of them corrected" in (ended.outcome or "")
    assert bundle.current(artifacts) != before
    again = ask(artifacts, "learn")
    assert start(artifacts, "--once").wait() == 0
    assert "nothing has changed since it was made" in (job_of(artifacts, again.job).outcome or "")
    assert job_of(artifacts, again.job).state == "failed"


@pytest.mark.parametrize("how", ["asked to end", "cancelled"])
def test_a_job_is_given_back_or_stopped(artifacts: Path, how: str) -> None:
    job = ask(artifacts, "train")
    process = start(artifacts)
    until(lambda: job_of(artifacts, job.job).state == "running")
    if how == "cancelled":
        with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as rows:
            rows.jobs.cancel(job.job)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    assert job_of(artifacts, job.job).state == ("waiting" if how == "asked to end" else "cancelled")


def test_each_kind_is_a_command_and_a_run_is_repeated_on_its_source(trained: Trained, artifacts: Path) -> None:
    for kind, words in (
        ("learn", ["learn"]),
        ("report", ["report", "--no-health"]),
        ("health", ["report", "--health"]),
    ):
        command = workers.command_of(artifacts, ask(artifacts, kind))  # type: ignore[arg-type]
        assert set(words) <= set(command)
    command = workers.command_of(artifacts, ask(artifacts, "train"))
    assert command[:2] == ["train", "--source"] and Path(command[2]).name == trained.table.name
    (bundle.bundle_path(artifacts, bundle.current(artifacts)) / bundle.TRAINING / "source.txt").unlink()
    assert "does not tell what its pictures were read from" in workers.command_of(artifacts, ask(artifacts, "train"))


def test_progress_goes_through_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "progress.json"
    assert read_progress(file) == (None, None, None)
    tell_worker("nobody looks", 1, 2)
    monkeypatch.setenv(SETTING, str(file))
    tell_worker("Embedding", 0, 0)
    assert read_progress(file) == ("Embedding", None, None)
    tell_worker("Embedding", 0, 9)
    assert read_progress(file) == ("Embedding", 0, 9)
