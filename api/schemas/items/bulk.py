"""The shapes of changes of many items at once: of those of a list, or of all that a filter lets through."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.schemas.fields import Body, Nothing, as_tuple
from api.schemas.filters import FilterBody
from api.schemas.items.bin import ENTRY
from api.schemas.items.write import DescriptionBody
from api.schemas.search.answer import Answer
from api.schemas.text import ItemName

MAX_CHANGED = 10_000
BULK = ENTRY[:22]
CHANGES_EXAMPLES = {
    "items of a list": {"ids": ["vases/amphora 3.jpg", "bowls/7.jpg"], "label": "amphora"},
    "all that a filter lets through": {
        "filter": {"label": "amfora"},
        "label": "amphora",
        "attributes": {"checked": True},
    },
}
UNDO_BULK_EXAMPLES = {"a change of many items": {"change": BULK}}

BulkName = Annotated[str, Field(pattern="^[0-9a-f]{22}$", description="The name of a change of many items.")]


class ChangesBody(DescriptionBody):
    """Which items are to be changed, by exactly one of `ids` and `filter`, and what is to be different of each."""

    ids: Annotated[
        Annotated[
            tuple[ItemName, ...],
            Field(min_length=1, max_length=MAX_CHANGED, json_schema_extra={"uniqueItems": True}),
            as_tuple(MAX_CHANGED),
        ]
        | Nothing,
        Field(description="Their ids, each once. If one is no item's, nothing is changed."),
    ] = None
    filter: Annotated[
        FilterBody | Nothing,
        Field(description=f"All that it lets through, {MAX_CHANGED:,} at most; {{}} means every item."),
    ] = None
    dry_run: Annotated[bool, Field(description="Only say how many there are.")] = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("Send exactly one of ids and filter; nothing was changed")
        if self.ids is not None and len(set(self.ids)) < len(self.ids):
            raise ValueError("ids: one is named twice; send each once. Nothing was changed")
        if "label" not in self.model_fields_set and not self.attributes:
            raise ValueError("Send a label, or attributes; nothing was changed")
        return self


class UndoBulkBody(Body):
    """Which change of many items is to be undone."""

    change: BulkName


class ChangedAnswer(Answer):
    """How many items were meant, and how many of them are different now: none in a dry run."""

    matching: Annotated[int, Field(examples=[12])]
    changed: Annotated[
        int,
        Field(
            description="The others were like this already; or, of an undoing, were changed again or deleted since.",
            examples=[10],
        ),
    ]
    change: Annotated[
        str | None,
        Field(
            description="The name of this change, by which it can be undone; null where nothing was changed.",
            examples=[BULK],
        ),
    ]
