"""In which order items are listed, and where a page of the list begins: after a place, not after a number of rows.

So pages stay right while items come and go between them.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Place: TypeAlias = tuple[str | int | float, ...]
"""What an item is ordered by, its id last."""

LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Order:
    """By id, by label, by when they came, or by the attribute called `name`.

    Numbers come first, then texts by code points, then truth values. Items without the label or attribute come last,
    also where the rest descends. Ties by id.
    """

    by: Literal["id", "label", "created", "attribute"] = "id"
    name: str = ""
    descending: bool = False

    def fits(self, place: object) -> bool:
        """Whether this can be a Place in this order."""
        number = (int, float)
        kinds: dict[str, tuple[Any, ...]] = {
            "id": (str,),
            "label": (int, str, str),
            "created": (int, str),
            "attribute": (int, int, number, str, str),
        }
        expected = kinds[self.by]
        return (
            isinstance(place, list | tuple)
            and len(place) == len(expected)
            and all(isinstance(value, kind) for value, kind in zip(place, expected, strict=True))
            and all(is_comparable(value) for value in place)
        )


def is_comparable(value: str | int | float) -> bool:
    """Whether a database takes it as a parameter."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
    return math.isfinite(value) if isinstance(value, float) else abs(value) < LARGEST
