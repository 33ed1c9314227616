"""Models of the API's answers, with the fields that the page needs; other fields are ignored."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

Metric = Literal["cosine", "euclidean", "fused"]
Meaning = Literal["label", "picture"]
Value = str | bool | int | float
Attributes = dict[str, Value | None]


class ApiModel(BaseModel):
    """Base of all models."""

    model_config = ConfigDict(frozen=True)


class Size(ApiModel):
    """Size of a picture in pixels."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Item(Size):
    """One picture of the catalogue."""

    id: str = Field(min_length=1, max_length=128)
    label: str | None = None
    attributes: Attributes = {}
    created: datetime | None = None
    """When it was added to the catalogue."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Of its picture's file."""


class SentPicture(Size):
    """The picture that was searched with."""

    sha256: str | None = None


class ItemSample(ApiModel):
    """A sample of the items, and the number of all items."""

    items: list[Item]
    total: int = Field(ge=0)


class Hit(Item):
    """One match. Cosine: larger is closer. Euclidean: smaller is closer. Words give neither."""

    rank: int = Field(ge=1)
    cosine: FiniteFloat | None
    euclidean: FiniteFloat | None
    match_probability: float | None = Field(default=None, ge=0, le=1)
    group: Value | None = None
    more: int | None = Field(default=None, ge=0)


class Calibration(ApiModel):
    """What the probabilities mean: a match with the same label, or of the same picture."""

    meaning: Meaning


class Milliseconds(ApiModel):
    """Time that the API needed."""

    total: float = Field(ge=0, allow_inf_nan=False)


class NearWords(ApiModel):
    """A word that no item has, and known words that are spelled nearly so, the nearest first."""

    word: str
    near: list[str]


class SearchAnswer(ApiModel):
    """The matches, best first, and details of the search."""

    bundle: str
    report_url: str | None = None
    metric: Metric | None
    """None for a search with words."""
    near_words: list[NearWords] = []
    exact: bool
    recall_estimate: float | None = Field(default=None, ge=0, le=1)
    clusters_opened: int = Field(ge=0)
    clusters_total: int = Field(ge=0)
    items: int = Field(ge=0)
    total: int | None = Field(default=None, ge=0)
    offset: int = Field(default=0, ge=0)
    link: str
    """Link of the first page of this search, without the query picture."""
    next_cursor: str | None = None
    """The cursor of the next page; None on the last."""
    milliseconds: Milliseconds
    query: SentPicture | None = None
    calibration: Calibration | None = None
    hits: list[Hit]


class HeatMap(ApiModel):
    """A picture under the heat map of what each part adds to the similarity."""

    overlay_png_base64: str = Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")


class ExplainAnswer(ApiModel):
    """Heat maps of two pictures, and their similarity."""

    cosine: FiniteFloat
    query: HeatMap
    item: HeatMap


class Face(ApiModel):
    """One face: its number for a search, and its box in pixels."""

    face: int = Field(ge=1)
    x: FiniteFloat
    y: FiniteFloat
    width: FiniteFloat
    height: FiniteFloat


class FacesAnswer(Size):
    """The faces of a picture, and its size."""

    faces: list[Face]


class ValueCount(ApiModel):
    """A value, and the number of items with it."""

    value: Value
    count: int = Field(ge=0)


class LabelsAnswer(ApiModel):
    """The most frequent labels, and the number of all labels."""

    labels: list[ValueCount]
    distinct: int = Field(ge=0)


class Suggestion(ApiModel):
    """A label (`attribute` is None), or a value of an attribute."""

    attribute: str | None
    value: str
    count: int = Field(default=0, ge=0)


class SuggestAnswer(ApiModel):
    """What completes a text, the most frequent first."""

    suggestions: list[Suggestion]


class Facet(ApiModel):
    """The most frequent values of an attribute, and the range of its numbers."""

    attribute: str
    values: list[ValueCount]
    distinct: int = Field(ge=0)
    least: FiniteFloat | None = None
    most: FiniteFloat | None = None


class FacetsAnswer(ApiModel):
    """The attributes by name."""

    facets: list[Facet]


class Readiness(ApiModel):
    """Why the API cannot search."""

    detail: str


class Problem(ApiModel):
    """A problem document of the API (RFC 9457)."""

    title: str
    status: int = Field(ge=400, le=599)
    code: str | None = None
    detail: str = ""
    request_id: str | None = None
