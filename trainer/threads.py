"""Threads that read and decode pictures while a network computes: how many there are, and how far they work ahead."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from trainer.errors import ConfigError

SETTING = "LOOKALIKE_TRAINER_THREADS"
AHEAD = 16  # results that wait to be taken, or two for each thread if that is more

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def map_ahead(function: Callable[[Argument], Result], arguments: Iterable[Argument]) -> Generator[Result, None, None]:
    """`function` of each argument, in order, computed in threads a bounded number ahead of the one that is taken.

    Raises what the function raises, when its result is taken, and ConfigError as `thread_count`.
    """
    upcoming = iter(arguments)
    waiting: deque[Future[Result]] = deque()
    ahead = max(AHEAD, 2 * thread_count())
    with picture_pool() as pool:
        while True:
            waiting.extend(pool.submit(function, argument) for argument in islice(upcoming, ahead - len(waiting)))
            if not waiting:
                return
            yield waiting.popleft().result()


def picture_pool() -> ThreadPoolExecutor:
    """Threads that read and decode pictures; to be used in a `with` statement. Raises ConfigError as `thread_count`."""
    return ThreadPoolExecutor(thread_count(), thread_name_prefix="pictures")


def thread_count() -> int:
    """What LOOKALIKE_TRAINER_THREADS says, or the number of cores that this process may use.

    Results do not depend on it. Raises ConfigError where the setting is no whole number above 0.
    """
    text = os.environ.get(SETTING, "").strip()
    if not text:
        return usable_cores()
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ConfigError(f"{SETTING} must be a whole number of threads, at least 1; leave it out to use every core.")
    return int(text)


def usable_cores() -> int:
    """The cores that this process may use: fewer than the machine has, where it was bound to some."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
