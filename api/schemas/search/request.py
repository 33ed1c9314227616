"""What a search may say, in whichever way it is sent: as JSON, as a form, or as a link."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PositiveInt, TypeAdapter, model_validator

from api.schemas.fields import (
    AsNumber,
    Base64,
    Base64Field,
    Body,
    BundleName,
    CursorText,
    File,
    Nothing,
    Url,
    Whole,
    as_tuple,
)
from api.schemas.filters import FilterBody
from api.schemas.search.answer import Ranking
from api.schemas.search.words import SearchText
from api.schemas.text import ItemName, OfAttribute

MAX_HITS = 100
MAX_OFFSET = 10_000
MAX_PARTS = 16
MAX_EXCLUDED = 200
MAX_EXPANSION = 50
MAX_QUERIES = 64

FaceNumber = Annotated[int, Field(ge=1, le=1000), Whole]
NOT_PROBES = "must be auto, all, or a whole number from 1 on"


def _probes(value: object) -> object:
    if value in ("auto", "all") and isinstance(value, str):
        return value
    try:
        number = TypeAdapter(Annotated[int, Whole]).validate_python(value)
    except ValueError as error:
        raise ValueError(NOT_PROBES) from error
    if number < 1:
        raise ValueError(NOT_PROBES)
    return number


Probing = Annotated[
    Literal["auto", "all"] | PositiveInt,
    BeforeValidator(_probes),
    Field(
        description="How many clusters may be opened. `auto`: until the answer is certified, or `recall_estimate` is "
        "99 %, so more for a query that is far from everything; `all`: every one; or a number. With a `filter`, more "
        "are opened until `k` items are found."
    ),
]
EXAMPLES = {
    "an item, filtered": {"id": "vases/amphora 3.jpg", "k": 5, "filter": {"attributes": {"price": {"lt": 10}}}},
    "more of one, less of another": {
        "items": [{"id": "vases/amphora 3.jpg"}, {"id": "bowls/7.jpg", "weight": -0.5}],
        "metric": "fused",
    },
    "words": {"text": "green amph"},
    "the best of each label": {"id": "vases/amphora 3.jpg", "group_by": "label", "min_score": 0.5},
}


class Crop(Body):
    """A part of the picture: its upper left corner and its size, as fractions of the upright picture."""

    x: Annotated[float, Field(ge=0, lt=1, examples=[0.25]), AsNumber]
    y: Annotated[float, Field(ge=0, lt=1, examples=[0.1]), AsNumber]
    width: Annotated[float, Field(gt=0, le=1, examples=[0.5]), AsNumber]
    height: Annotated[float, Field(gt=0, le=1, examples=[0.5]), AsNumber]

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.x + self.width > 1 + 1e-6 or self.y + self.height > 1 + 1e-6:
            raise ValueError("the part must lie within the picture: x + width and y + height are at most 1")
        return self


class Part(Body):
    """One of several things to search with at once: an item or a picture; a negative weight for what is not wanted."""

    id: ItemName | Nothing = None
    url: Url | Nothing = None
    image_base64: Base64 | Nothing = None
    weight: Annotated[float, Field(ge=-100, le=100), AsNumber] = 1.0

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(field is not None for field in (self.id, self.url, self.image_base64)) != 1:
            raise ValueError("each needs exactly one of id, url and image_base64")
        return self


class Options(Body):
    """How to search, and which hits are wanted."""

    bundle: BundleName = None
    k: Annotated[int, Field(ge=1, le=MAX_HITS, description="How many hits, or groups."), Whole] = 20
    offset: Annotated[int, Field(ge=0, le=MAX_OFFSET, description="How many of the best to pass over."), Whole] = 0
    metric: Annotated[
        Ranking,
        Field(description="What the hits are ranked by. `fused`: by the sum of 1 / (60 + rank) in both rankings."),
    ] = "cosine"
    probes: Probing = "auto"
    expand: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_EXPANSION,
            description="Search first for this many hits, move the query towards them (alpha query expansion), and "
            "search again. Finds more of the same, where the first hits are right. Where none is sent, the number "
            "that the bundle was trained for counts, 0 in most; 0 searches without it.",
        ),
        Whole,
    ] = 0
    filter: Annotated[FilterBody | Nothing, Field(description="Only items that it lets through.")] = None
    group_by: Annotated[
        Annotated[str, Field(pattern=r"^(label|attributes\.[^\u0000]+)$", max_length=1000), OfAttribute] | Nothing,
        Field(
            description="Only the best hit of each group, with how many more there are: `label`, or `attributes.` and "
            "an attribute's name. Items without such a value are one group.",
            examples=["label"],
        ),
    ] = None
    min_score: Annotated[
        Annotated[float, Field(allow_inf_nan=False), AsNumber] | Nothing,
        Field(description="Only hits whose `score` is at least this.", examples=[0.6]),
    ] = None
    min_precision: Annotated[
        Annotated[float, Field(ge=0, le=1), AsNumber] | Nothing,
        Field(
            description="Only hits whose `match_probability` is at least this, such as 0.9; there may be none, which "
            "is an answer, too. Needs a bundle that is calibrated, and a metric that is not `fused`."
        ),
    ] = None
    exclude: Annotated[
        tuple[ItemName, ...],
        Field(max_length=MAX_EXCLUDED, description="Ids of items that are not wanted."),
        as_tuple(MAX_EXCLUDED),
    ] = ()
    include_query: Annotated[bool, Field(description="Let items that are searched with be among their own hits.")] = (
        False
    )


class SearchBody(Options):
    """A search with a picture, an item, several of them, or words, or a further page of one.

    Exactly one of `image_base64`, `url`, `id`, `items`, `text` and `cursor`.
    """

    id: Annotated[
        ItemName | Nothing,
        Field(
            description="The item to search with, by its stored vector. It is not among its own hits.", examples=[""]
        ),
    ] = None
    url: Url | Nothing = None
    image_base64: Base64 | Nothing = None
    items: Annotated[
        Annotated[tuple[Part, ...], Field(min_length=1, max_length=MAX_PARTS), as_tuple(MAX_PARTS)] | Nothing,
        Field(
            description="Several to search with: the query is the weighted sum of their vectors, each first scaled to "
            "length one, and the sum then to their mean length."
        ),
    ] = None
    text: SearchText | Nothing = None
    crop: Annotated[
        Crop | Nothing, Field(description="Search with this part of the picture, or of the item's picture.")
    ] = None
    face: Annotated[
        FaceNumber | Nothing,
        Field(description="Search with this face of the picture, by its number in the answer of /faces."),
    ] = None
    cursor: CursorText | Nothing = None

    def urls(self) -> list[str]:
        """What is to be fetched for it."""
        urls = [self.url, *(part.url for part in self.items or ())]
        return [url for url in urls if url is not None]


class SearchForm(SearchBody):
    """As the JSON body, or with the picture as a `file`. `items`, `crop`, `filter` and `exclude` are JSON texts."""

    file: File = None
    image_base64: Base64Field | Nothing = None


class PictureBody(Body):
    """One picture: exactly one of `image_base64`, `url` and `id`."""

    bundle: BundleName = None
    id: Annotated[ItemName | Nothing, Field(description="An item, whose picture is meant.", examples=[""])] = None
    url: Url | Nothing = None
    image_base64: Base64 | Nothing = None

    def urls(self) -> list[str]:
        """What is to be fetched for it."""
        return [] if self.url is None else [self.url]


class PictureForm(PictureBody):
    """As the JSON body, or with the picture as a `file`."""

    file: File = None
    image_base64: Base64Field | Nothing = None


class ExplainBody(PictureBody):
    """A picture to compare with an item."""

    item: Annotated[ItemName, Field(description="The item's id.", examples=["vases/amphora 3.jpg"])]
    crop: Annotated[Crop | Nothing, Field(description="Only this part of the picture.")] = None
    face: Annotated[
        FaceNumber | Nothing,
        Field(description="This face of the picture, by its number."),
    ] = None


class ExplainForm(ExplainBody):
    """As the JSON body, or with the picture as a `file`. `crop` is a JSON text."""

    file: File = None
    image_base64: Base64Field | Nothing = None


class BatchBody(Body):
    """Searches to be answered at once, each by itself: what is wrong with one is no matter of the others."""

    queries: Annotated[tuple[SearchBody, ...], Field(min_length=1, max_length=MAX_QUERIES), as_tuple(MAX_QUERIES)]


class SearchLink(Options):
    """A search with an item, a picture's URL or words, or a further page.

    Exactly one of `id`, `url`, `text` and `cursor`.
    """

    id: Annotated[ItemName | Nothing, Field(description="The item to search with.")] = None
    url: Url | Nothing = None
    text: SearchText | Nothing = None
    cursor: CursorText | Nothing = None
    crop: Annotated[Crop | Nothing, Field(description="Search with this part of the item's picture.")] = None
    face: Annotated[
        FaceNumber | Nothing,
        Field(description="Search with this face of its picture."),
    ] = None

    def body(self) -> SearchBody:
        """The same as a body."""
        return SearchBody(**{name: getattr(self, name) for name in self.model_fields_set})


LIST_FIELDS = ("items", "exclude")
"""Those of them that are lists: a form may also have a part for each entry."""
JSON_FIELDS = ("items", "crop", "other_crop", "filter", "exclude", "attributes")
"""The fields that are JSON texts in forms and links."""


def links_of(options: Options) -> dict[str, Any]:
    """The options as they are set, as plain JSON values: what the link to a next page repeats.

    Not the offset nor the expansion, which are in the cursor already.
    """
    names = Options.model_fields.keys() & options.model_fields_set - {"offset", "expand"}
    return options.model_dump(mode="json", include=set(names), by_alias=True, exclude_unset=True)


class BatchEnvelope(Body):
    """A `BatchBody` whose queries are not looked into yet."""

    queries: Annotated[list[Any], Field(min_length=1, max_length=MAX_QUERIES)]
