"""Which items are wanted, in which order: as a link, or as a body."""

from typing import Annotated, TypeAlias

from pydantic import Field

from api.schemas.fields import Body, CursorText, Nothing, Whole
from api.schemas.filters import FilterBody
from api.schemas.text import OfAttribute
from retrieval.filters import EVERYTHING, Filter

LIST_EXAMPLES = {"the cheapest of two labels": {"filter": {"label": ["amphora", "bowl"]}, "order": "attributes.price"}}

Order: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^-?(id|label|created|attributes\.[^\u0000]+)$",
        max_length=1100,
        description="`id`, `label`, `created`, or `attributes.` and an attribute's name; descending with a `-` "
        "before it: `-created` lists the newest first. Numbers come before texts; items without it come last.",
        examples=["-attributes.price"],
    ),
    OfAttribute,
]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=200), Whole]
PageEnd = Field(description="Where the page before ended, from the `next` of its answer.")
"""Of a cursor that is the name of an entry."""


class ListBody(Body):
    """A page of the items: how many, under which filter, in which order, and from where on."""

    filter: Annotated[FilterBody | Nothing, Field(description="Only items that it lets through.")] = None
    order: Order = "id"
    limit: Limit = 24
    cursor: CursorText | Nothing = None

    def filter_and_text(self) -> tuple[Filter, str | None]:
        """What retrieval knows of the filter, and its text in a link."""
        if self.filter is None:
            return EVERYTHING, None
        return self.filter.to_filter(), self.filter.model_dump_json(by_alias=True, exclude_unset=True)
