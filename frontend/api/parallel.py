"""Calls to the API that do not need each other's answers, sent at the same time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar, cast

from flask import Flask, current_app

MAX_THREADS = 32
"""Calls at a time, of all requests together: as many as the connection keeps open. Further ones wait."""
EXTENSION = "lookalike_threads"

T = TypeVar("T")


def install(app: Flask) -> None:
    """Give an app its threads; none is started before the first call."""
    app.extensions[EXTENSION] = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="api-call")


def begin(call: Callable[[], T]) -> "Future[T]":
    """Start a call, in the context of this request. Its `result()` waits, and raises what the call raises."""
    threads = cast(ThreadPoolExecutor, current_app.extensions[EXTENSION])
    return threads.submit(copy_context().run, call)
