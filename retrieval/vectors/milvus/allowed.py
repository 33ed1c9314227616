"""Which items a search may find, told for the few that it meets, so that a filter costs the same however wide it is."""

from collections.abc import Collection, Sequence

from retrieval.selection import Selection

FEW_ITEMS = 2_000
"""Items whose vectors are fetched and compared one by one where only these may be hits: up to 0.1 s."""


class Allowed:
    """What a search was told by `only` and `exclude`."""

    def __init__(self, only: Selection | Collection[str] | None, exclude: Collection[str]) -> None:
        self.excluded = frozenset(exclude)
        self._only = only
        self._ids = None if only is None or isinstance(only, Selection) else frozenset(only)

    @property
    def selective(self) -> bool:
        """Whether only some items may be found."""
        return self._only is not None

    def __len__(self) -> int:
        """How many items `only` names."""
        return 0 if self._only is None else len(self._only)

    def few(self) -> list[str] | None:
        """The ids of all items that may be found, where these are few."""
        if self._only is None or len(self) > FEW_ITEMS:
            return None
        return self.ids()

    def ids(self) -> list[str]:
        """The ids of all items that may be found, where `only` names them."""
        ids = self._only.ids() if isinstance(self._only, Selection) else self._ids or ()
        return [item for item in ids if item not in self.excluded]

    def of(self, items: Sequence[str]) -> set[str]:
        """Those of these items that may be found."""
        some = set(items) - self.excluded
        if self._ids is not None:
            return some & self._ids
        if isinstance(self._only, Selection):
            wanted = self._only.numbers
            return {item for item, number in self._only.numbers_of(list(some)).items() if number in wanted}
        return some
