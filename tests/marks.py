"""Marks of tests that are not in the fast suite; each has `slow` as well, which `make test` leaves out."""

from collections.abc import Callable
from typing import Any

import pytest

IN_MATRIX = (pytest.mark.slow, pytest.mark.browser)
"""Of a parameter: only in the full browser matrix."""


def in_matrix(test: Callable[..., Any]) -> Callable[..., Any]:
    """Only in the full browser matrix: another test covers the capability in the fast suite."""
    return pytest.mark.slow(pytest.mark.browser(test))  # type: ignore[no-any-return]


def with_crashes(test: Callable[..., Any]) -> Callable[..., Any]:
    """Processes are killed or stopped."""
    return pytest.mark.slow(pytest.mark.crash(test))  # type: ignore[no-any-return]
