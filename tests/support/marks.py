"""Marks of tests that are not in the fast suite; each has `slow` as well, which `make test` leaves out."""

import os
from collections.abc import Callable
from typing import Any

import pytest

IN_MATRIX = (pytest.mark.slow, pytest.mark.browser)
"""Of a parameter: only in the full browser matrix."""

MILVUS = (pytest.mark.slow, pytest.mark.milvus)
"""Of what needs a Milvus server: only in `make test-milvus`."""


def in_matrix(test: Callable[..., Any]) -> Callable[..., Any]:
    """Only in the full browser matrix: another test covers the capability in the fast suite."""
    return pytest.mark.slow(pytest.mark.browser(test))


def with_crashes(test: Callable[..., Any]) -> Callable[..., Any]:
    """Processes are killed or stopped."""
    return pytest.mark.slow(pytest.mark.crash(test))


def examples(count: int) -> int:
    """How many examples a property is tried on: all of them in `make test-all`, a fifth in the fast suite."""
    return count if os.environ.get("LOOKALIKE_LONG_TESTS") == "1" else max(20, count // 5)


def kills_of(count: int) -> int:
    """How often a process is killed: so often in `make test-all`, a fifth of it in `make test-crash`."""
    return count if os.environ.get("LOOKALIKE_LONG_TESTS") == "1" else count // 5
