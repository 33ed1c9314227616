"""How many threads read and decode pictures while a network computes: one setting for all of the trainer."""

import os
from concurrent.futures import ThreadPoolExecutor

from trainer.errors import ConfigError

SETTING = "LOOKALIKE_TRAINER_THREADS"


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
