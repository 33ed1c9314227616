"""One setting for all threads that read pictures."""

import os
import threading
import time

import pytest
from typer.testing import CliRunner

from trainer import threads
from trainer.cli import app
from trainer.errors import ConfigError


def threads_at_work(jobs: int) -> int:
    """How many threads the pool uses for so many jobs that wait for each other a moment."""
    with threads.picture_pool() as pool:
        return len(set(pool.map(lambda _: time.sleep(0.05) or threading.get_ident(), range(jobs))))


def test_every_core_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(threads.SETTING, raising=False)
    assert threads.thread_count() == threads.usable_cores() == len(os.sched_getaffinity(0))
    monkeypatch.setenv(threads.SETTING, "5")
    assert threads.thread_count() == 5
    assert threads_at_work(5) == 5
    monkeypatch.setenv(threads.SETTING, "1")
    assert threads_at_work(4) == 1


@pytest.mark.parametrize("text", ["0", "-1", "two", "2.5", "²"])
def test_what_is_no_number_of_threads_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.SETTING, text)
    with pytest.raises(ConfigError, match="LOOKALIKE_TRAINER_THREADS must be a whole number"):
        threads.thread_count()
    told = CliRunner().invoke(app, ["train", "--source", "nowhere"])
    assert isinstance(told.exception, ConfigError)
