"""What may be said of an item: a new one, or one that is there already."""

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_validator,
)

from api.schemas.fields import Base64, Base64Field, File, Nothing, Url, as_tuple
from api.schemas.filters import FilterBody
from api.schemas.text import DifferentNames, ItemName, Label, Name, NewId, Text
from retrieval.filters import LARGEST

MAX_ATTRIBUTES = 100

ITEM_EXAMPLES = {
    "a picture with what is known of it": {
        "id": "vases/amphora 3.jpg",
        "label": "amphora",
        "attributes": {"price": 3.5, "glazed": True},
        "image_base64": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==",
    }
}
DESCRIPTION_EXAMPLES = {
    "another price, and no longer on sale": {"attributes": {"price": 2.5, "sale": None}},
    "without a label": {"label": None},
}

MAX_ITEMS = 1000  # of one list in JSON
MAX_DELETED = 10_000
DELETION_EXAMPLES = {
    "two items": {"ids": ["vases/amphora 3.jpg", "bowls/7.jpg"]},
    "only count those of a label": {"filter": {"label": "cracked"}, "dry_run": True},
}


def _no_whole_number(value: object) -> object:
    """Else one that is too large would be rounded without a word."""
    if isinstance(value, int):
        raise ValueError("a whole number must be of 64 bits")
    return value


Value: TypeAlias = (
    Text
    | StrictBool
    | Annotated[StrictInt, Field(ge=-LARGEST, le=LARGEST)]
    | Annotated[StrictFloat, BeforeValidator(_no_whole_number), Field(allow_inf_nan=False)]
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ItemBody(_Body):
    """A new item: its picture, and what is known of it."""

    image_base64: Base64 | Nothing = None
    url: Url | Nothing = None
    id: Annotated[
        NewId | Nothing,
        Field(
            description="Its own id; without one, it is made of the content: the first 32 hexadecimal digits of the "
            "file's SHA-256.",
            examples=["vases/amphora 3.jpg"],
        ),
    ] = None
    label: Annotated[Label | Nothing, Field(examples=["amphora"])] = None
    attributes: Annotated[
        Mapping[Name, Value],
        DifferentNames,
        Field(max_length=MAX_ATTRIBUTES, examples=[{"price": 3.5, "glazed": True}]),
    ] = Field(default_factory=dict)

    def urls(self) -> list[str]:
        """What is to be fetched for it."""
        return [] if self.url is None else [self.url]


class ItemForm(ItemBody):
    """As the JSON body, or with the picture as a `file`. `attributes` is a JSON text."""

    file: File = None
    image_base64: Base64Field | Nothing = None


class ItemsBody(_Body):
    """New items, each added by itself: a broken one does not stop the others."""

    items: Annotated[list[ItemBody], Field(min_length=1, max_length=MAX_ITEMS)]


class ItemsEnvelope(_Body):
    """An `ItemsBody` whose items are not looked into yet."""

    items: Annotated[list[Any], Field(min_length=1, max_length=MAX_ITEMS)]


class DescriptionBody(_Body):
    """What is to be different of an item. What is not named stays."""

    label: Annotated[Label | None, Field(description="null takes it away.", examples=["bowl"])] = None
    attributes: Annotated[
        Mapping[Name, Value | None],
        DifferentNames,
        Field(
            description="null takes an attribute away.",
            max_length=2 * MAX_ATTRIBUTES,
            examples=[{"price": 2.5, "sale": None}],
        ),
    ] = Field(default_factory=dict)


class ReplacementBody(DescriptionBody):
    """Another picture for an item, and what is to be different besides. What is not named stays."""

    image_base64: Base64 | Nothing = None
    url: Url | Nothing = None

    def urls(self) -> list[str]:
        """What is to be fetched for it."""
        return [] if self.url is None else [self.url]

    def description(self) -> DescriptionBody:
        """What is to be different besides the picture."""
        described_fields = self.model_fields_set & DescriptionBody.model_fields.keys()
        return DescriptionBody.model_construct(
            _fields_set=described_fields, **{name: getattr(self, name) for name in described_fields}
        )


class ReplacementForm(ReplacementBody):
    """As the JSON body, or with the picture as a `file`. `attributes` is a JSON text."""

    file: File = None
    image_base64: Base64Field | Nothing = None


class DeletionBody(_Body):
    """Which items are to go: exactly one of `ids` and `filter`."""

    ids: Annotated[
        Annotated[
            tuple[ItemName, ...],
            Field(min_length=1, max_length=MAX_DELETED, json_schema_extra={"uniqueItems": True}),
            as_tuple(MAX_DELETED),
        ]
        | Nothing,
        Field(description="Their ids, each once. If one is no item's, nothing is deleted."),
    ] = None
    filter: Annotated[FilterBody | Nothing, Field(description="All that it lets through; {} means every item.")] = None
    dry_run: Annotated[bool, Field(description="Only say how many there are.")] = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("Send exactly one of ids and filter; nothing was deleted")
        if self.ids is not None and len(set(self.ids)) < len(self.ids):
            raise ValueError("ids: one is named twice; send each once. Nothing was deleted")
        return self
