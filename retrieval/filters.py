"""Filters: which items are meant, by label, attributes and time.

A filter is a conjunction: the label, every attribute that it names and the time must satisfy their conditions. `Not` is
the exact opposite of its condition, so an item that lacks an attribute satisfies every `Not` of it but that of None.
Text, numbers and truth values are never equal to one another; 1 and 1.0 are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool

LARGEST = 2**63 - 1
"""The largest whole number that SQLite compares as one; beyond it, the nearest float is compared."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Equal to one of these; None: has no value."""

    values: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers, or texts by their code points, within bounds of that kind; None: no bound on this side."""

    gte: str | int | float | None = None
    gt: str | int | float | None = None
    lte: str | int | float | None = None
    lt: str | int | float | None = None

    def __post_init__(self) -> None:
        kinds = {_kind(bound) for bound in self.bounds().values()}
        if len(kinds) != 1 or not kinds <= {"text", "number"}:
            raise ValueError(
                "a range needs at least one of gte, gt, lte and lt, all of them numbers or all of them texts"
            )

    def bounds(self) -> dict[str, str | int | float]:
        """The bounds that are set, by name."""
        limits = {"gte": self.gte, "gt": self.gt, "lte": self.lte, "lt": self.lt}
        return {name: bound for name, bound in limits.items() if bound is not None}


@dataclass(frozen=True, slots=True)
class Not:
    """Whatever the condition is not true of."""

    condition: "Condition"


Condition: TypeAlias = OneOf | Range | Not


@dataclass(frozen=True, slots=True)
class Period:
    """From one moment on, until before another one; None: without a bound on this side."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on the label, if any, on attributes by name, and on when an item came; all must hold."""

    label: Condition | None = None
    attributes: Mapping[str, Condition] = field(default_factory=dict)
    created: Period = Period()


EVERYTHING = Filter()
"""Lets every item through."""


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "nothing"
