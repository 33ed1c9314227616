"""The shapes of what the bin is asked and answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.links import link
from api.schemas.fields import Nothing, as_tuple
from api.schemas.search.answer import Answer, Created
from api.schemas.text import ItemName
from retrieval.catalogue import Attribute, BinEntry

MAX_ENTRIES = 1000  # of one request: each picture that is restored is encoded
ENTRY = "0651e1c2f3a4b5c9d8e7f6a5b4c3d2e1"

EntryName = Annotated[
    str, Field(pattern="^[0-9a-f]{32}$", description="The name of an entry, from GET /bin.", examples=[ENTRY])
]
ENTRIES_EXAMPLES = {
    "two items, by their ids": {"ids": ["vases/amphora 3.jpg", "bowls/7.jpg"]},
    "one entry of the bin": {"entries": [ENTRY]},
}


class BinEntryAnswer(Answer):
    """A deleted item, as it was."""

    entry: Annotated[str, Field(description="Its name in the bin.", examples=[ENTRY])]
    deleted: Annotated[datetime, Field(description="When it was deleted, UTC.")]
    deleted_by: Annotated[
        str | None, Field(description="The name of the key that deleted it; null without keys.", examples=["editors"])
    ]
    ends: Annotated[datetime, Field(description="When it is deleted for good, UTC.")]
    id: Annotated[str, Field(examples=["vases/amphora 3.jpg"])]
    label: Annotated[str | None, Field(examples=["amphora"])]
    attributes: Annotated[Mapping[str, Attribute], Field(examples=[{"shape": "vase", "price": 3.5}])]
    width: Annotated[int, Field(description="Of its picture, in pixels.", examples=[400])]
    height: Annotated[int, Field(examples=[533])]
    created: Created
    thumbnail_url: Annotated[str, Field(examples=[f"/bin/thumbnail?entry={ENTRY}"])]

    @classmethod
    def of(cls, entry: BinEntry, days: int) -> Self:
        """What the API tells of an entry that is kept for so many days."""
        item = entry.item
        return cls(
            entry=entry.name,
            deleted=entry.deleted,
            deleted_by=entry.deleted_by,
            ends=entry.deleted + timedelta(days=days),
            id=item.id,
            label=item.label,
            attributes=item.attributes,
            width=item.width,
            height=item.height,
            created=item.created,
            thumbnail_url=link("/bin/thumbnail", {"entry": entry.name}),
        )


class BinAnswer(Answer):
    """Some of what is in the bin, the latest first."""

    entries: list[BinEntryAnswer]
    total: Annotated[int, Field(description="How many entries there are in all.", examples=[12])]
    days: Annotated[int, Field(description="How long an entry stays; 0: there is no bin.", examples=[30])]
    next: Annotated[
        str | None,
        Field(
            description="The next page, as a link; null after the last one.", examples=[f"/bin?limit=24&cursor={ENTRY}"]
        ),
    ]


class EntriesBody(BaseModel):
    """Which entries of the bin are meant: exactly one of `ids` and `entries`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ids: Annotated[
        Annotated[
            tuple[ItemName, ...],
            Field(min_length=1, max_length=MAX_ENTRIES, json_schema_extra={"uniqueItems": True}),
            as_tuple(MAX_ENTRIES),
        ]
        | Nothing,
        Field(description="Ids of deleted items, each once; of an id, what was deleted last."),
    ] = None
    entries: Annotated[
        Annotated[
            tuple[EntryName, ...],
            Field(min_length=1, max_length=MAX_ENTRIES, json_schema_extra={"uniqueItems": True}),
            as_tuple(MAX_ENTRIES),
        ]
        | Nothing,
        Field(description="Names of entries, each once."),
    ] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.ids is None) == (self.entries is None):
            raise ValueError("Send exactly one of ids and entries; nothing was changed")
        if len(set(self.named)) < len(self.named):
            raise ValueError(f"{self.field}: one is named twice; send each once. Nothing was changed")
        return self

    @property
    def field(self) -> str:
        """The field that was sent."""
        return "entries" if self.ids is None else "ids"

    @property
    def named(self) -> tuple[str, ...]:
        """What it names."""
        return (self.entries or ()) if self.ids is None else self.ids


class RestoredAnswer(Answer):
    """How many items exist again."""

    restored: Annotated[int, Field(examples=[12])]


class EntriesDeletedAnswer(Answer):
    """How many entries were deleted for good."""

    deleted: Annotated[int, Field(examples=[12])]
