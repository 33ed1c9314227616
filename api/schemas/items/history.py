"""The shapes of an item's history: how its label and attributes were changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from api.schemas.fields import Body, Nothing
from api.schemas.items.bin import ENTRY
from api.schemas.search.answer import Answer
from api.schemas.text import ItemName
from retrieval.catalogue import Attribute, Description
from retrieval.catalogue.records.history import Correction

ChangeName = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="The name of a change.", examples=[ENTRY])]
UNDO_EXAMPLES = {"the latest change": {"id": "vases/amphora 3.jpg"}}


class UndoBody(Body):
    """Which change is to be undone."""

    id: Annotated[ItemName, Field(description="The item.", examples=["vases/amphora 3.jpg"])]
    entry: Annotated[
        ChangeName | Nothing, Field(description="The change; without it, the latest one, which may be an undoing.")
    ] = None


class DescriptionAnswer(Answer):
    """What is known of an item at one moment."""

    label: Annotated[str | None, Field(examples=["amphora"])]
    attributes: Annotated[Mapping[str, Attribute], Field(examples=[{"shape": "vase", "price": 3.5}])]

    @classmethod
    def of(cls, description: Description) -> Self:
        """What the API tells of it."""
        return cls(label=description.label, attributes=description.attributes)


class ChangeAnswer(Answer):
    """One change of an item's label or attributes."""

    entry: ChangeName
    before: DescriptionAnswer
    after: DescriptionAnswer
    by: Annotated[
        str | None, Field(description="The name of the key that changed it; null without keys.", examples=["editors"])
    ]
    undoes: Annotated[str | None, Field(description="The change that it has undone; null for any other one.")]
    created: Annotated[datetime, Field(description="When it was changed, UTC.")]

    @classmethod
    def of(cls, change: Correction) -> Self:
        """What the API tells of it."""
        return cls(
            entry=change.entry,
            before=DescriptionAnswer.of(change.before),
            after=DescriptionAnswer.of(change.after),
            by=change.changed_by,
            undoes=change.undoes,
            created=change.created,
        )


class HistoryAnswer(Answer):
    """Some of an item's changes, the latest first."""

    changes: list[ChangeAnswer]
    next: Annotated[
        str | None,
        Field(
            description="The next page, as a link; null after the last one.",
            examples=[f"/item/history?id=bowls%2F7.jpg&limit=24&cursor={ENTRY}"],
        ),
    ]
