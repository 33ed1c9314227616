"""Groups of hits: of which one each is, the best of each, and how many more there are."""

from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

from retrieval.catalogue import Attribute, Catalogue, Item
from retrieval.filters import Filter

Key: TypeAlias = tuple[bool, Attribute | None]

LARGEST_TOLD_APART = 2**53
"""Beyond it, a database may hold two numbers for one that are two here."""


def value_of(item: Item, group_by: str) -> Attribute | None:
    """The value that says which group an item is in."""
    return item.label if group_by == "label" else item.attributes.get(_attribute(group_by) or "")


def key_of(item: Item, group_by: str) -> Key:
    """Tells an item's group from all others."""
    return _key(value_of(item, group_by))


def best_rows(items: Iterable[Item], group_by: str) -> list[int]:
    """Where the first item of each group is."""
    best: dict[Key, int] = {}
    for row, item in enumerate(items):
        best.setdefault(key_of(item, group_by), row)
    return list(best.values())


def are_all(items: Collection[Item], group_by: str, group_count: Callable[[], int]) -> bool:
    """Whether these items, each of another group, are of all groups; `group_count` says how many there are."""
    numbers = [value for item in items if isinstance(value := value_of(item, group_by), int | float)]
    if any(abs(number) > LARGEST_TOLD_APART for number in numbers):
        return False
    return len(items) >= group_count()


def count(catalogue: Catalogue, group_by: str, filter_: Filter, excluded_ids: tuple[str, ...]) -> int:
    """How many groups a filter lets through."""
    return catalogue.count_values(_attribute(group_by), filter_, excluded_ids)


def others(
    catalogue: Catalogue, items: Collection[Item], group_by: str, filter_: Filter, excluded_ids: tuple[str, ...]
) -> list[int]:
    """How many items there are in the group of each of these besides it, of those that a filter lets through."""
    values = [value_of(item, group_by) for item in items]
    counts = catalogue.tally(_attribute(group_by), values, filter_, excluded_ids) if values else []
    sizes = {_key(value): number for value, number in counts}
    # An item may have come, gone or changed since it was found.
    return [max(0, sizes.get(_key(value), 1) - 1) for value in values]


def _attribute(group_by: str) -> str | None:
    """The name of the attribute; None for the label."""
    return None if group_by == "label" else group_by.removeprefix("attributes.")


def _key(value: Attribute | None) -> Key:
    """Tells True from 1, which are equal in Python."""
    return isinstance(value, bool), value
