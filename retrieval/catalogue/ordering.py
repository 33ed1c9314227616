"""In which order items are listed, and where a page of the list begins: after a place, not after a number of rows.

So pages stay right while items come and go between them.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from retrieval.catalogue.table import ITEM, ITEMS
from retrieval.filters import members

Place: TypeAlias = tuple[str | int | float, ...]
"""What an item is ordered by, its id last."""

Key: TypeAlias = tuple[sa.ColumnElement[Any], bool]
"""A column and whether it descends."""

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
            and all(_is_comparable(value) for value in place)
        )


def page(order: Order, dialect: str, passes: sa.ColumnElement[bool], after: Place | None) -> sa.Select[Any]:
    """Rows of an item's columns followed by its place, in order, from behind a place on."""
    rows: Any = ITEMS
    if order.by == "attribute":
        member = members(ITEMS, dialect)
        rows = ITEMS.outerjoin(member.table, member.name == order.name)
        keys = _last_if_missing(_by_value(member.text, member.number, member.truth), order)
    elif order.by == "label":
        label = ITEMS.c.label if dialect == "sqlite" else sa.collate(ITEMS.c.label, "C")
        keys = _last_if_missing([sa.case((label.is_(None), 1), else_=0), sa.func.coalesce(label, "")], order)
    elif order.by == "created":
        keys = [(sa.type_coerce(ITEMS.c.created, sa.BigInteger), order.descending)]
    else:
        keys = []
    ordered: list[Key] = [*keys, (ITEMS.c.id, order.descending)]
    asked = ITEM.add_columns(*(key for key, _ in ordered)).select_from(rows).where(passes)
    if after is not None:
        asked = asked.where(_behind(ordered, after))
    return asked.order_by(*(key.desc() if descends else key for key, descends in ordered))


def _is_comparable(value: str | int | float) -> bool:
    """Whether a database takes it as a parameter."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
    return math.isfinite(value) if isinstance(value, float) else abs(value) < LARGEST


def _by_value(text: Any, number: Any, truth: Any) -> list[sa.ColumnElement[Any]]:
    """Whether it is missing, which kind it is, and the value in the column of its kind."""
    return [
        sa.case((sa.and_(text.is_(None), number.is_(None), truth.is_(None)), 1), else_=0),
        sa.case((text.is_not(None), 1), (truth.is_not(None), 2), else_=0),
        sa.func.coalesce(number, truth, 0),
        sa.func.coalesce(text, ""),
    ]


def _last_if_missing(keys: list[sa.ColumnElement[Any]], order: Order) -> list[Key]:
    """The first key says whether the value is missing, and never descends."""
    return [(key, order.descending and number > 0) for number, key in enumerate(keys)]


def _behind(keys: list[Key], place: Place) -> sa.ColumnElement[bool]:
    """Lexicographically behind the place, each column in its own direction."""
    bounds = [sa.literal(value, sa.BigInteger) if isinstance(value, int) else sa.literal(value) for value in place]
    if len({descends for _, descends in keys}) == 1:  # a form for which the databases go straight to it in an index
        columns, values = sa.tuple_(*(key for key, _ in keys)), sa.tuple_(*bounds)
        return columns < values if keys[0][1] else columns > values
    behind: sa.ColumnElement[bool] = sa.false()
    for (key, descends), bound in reversed(list(zip(keys, bounds, strict=True))):
        beyond = key < bound if descends else key > bound
        behind = sa.or_(beyond, sa.and_(key == bound, behind))
    return behind
