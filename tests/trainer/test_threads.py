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


def test_results_come_in_order_and_a_bounded_number_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.SETTING, "3")
    started: list[int] = []

    def double(number: int) -> int:
        started.append(number)
        time.sleep(0.01 if number % 3 == 0 else 0)
        return 2 * number

    results = threads.map_ahead(double, range(100))
    assert next(results) == 0
    time.sleep(0.1)
    assert len(started) <= threads.AHEAD
    assert list(results) == [2 * number for number in range(1, 100)]


def test_what_goes_wrong_is_raised_in_its_turn() -> None:
    results = threads.map_ahead(lambda number: 6 // number, [3, 2, 0, 1])
    assert [next(results), next(results)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize("text", ["0", "-1", "two", "2.5", "²"])
def test_what_is_no_number_of_threads_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.SETTING, text)
    with pytest.raises(ConfigError, match="LOOKALIKE_TRAINER_THREADS must be a whole number"):
        threads.thread_count()
    outcome = CliRunner().invoke(app, ["train", "--source", "pottery"])
    assert isinstance(outcome.exception, ConfigError)
