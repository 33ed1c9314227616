"""The shapes of the API's answers, as far as the page relies on them: other fields may come and go."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

Metric = Literal["cosine", "euclidean", "fused"]
Meaning = Literal["label", "picture"]
Value = str | bool | int | float
Attributes = dict[str, Value | None]


class ApiModel(BaseModel):
    """Base of everything that came over the wire."""

    model_config = ConfigDict(frozen=True)


class Size(ApiModel):
    """Of a picture, in pixels."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Item(Size):
    """One picture of the catalogue."""

    id: str = Field(min_length=1, max_length=128)
    label: str | None = None
    attributes: Attributes = {}
    created: datetime | None = None
    """When it came into the catalogue."""


class ItemSample(ApiModel):
    """Some items to start from, and how many there are in all."""

    items: list[Item]
    total: int = Field(ge=0)


class Hit(Item):
    """One match. Cosine: larger is closer. Euclidean: smaller is closer."""

    rank: int = Field(ge=1)
    cosine: FiniteFloat
    euclidean: FiniteFloat
    match_probability: float | None = Field(default=None, ge=0, le=1)
    group: Value | None = None
    more: int | None = Field(default=None, ge=0)


class Calibration(ApiModel):
    """What a true match is, of which the probabilities are: one of the same label, or the same picture."""

    meaning: Meaning


class Milliseconds(ApiModel):
    """How long the API worked on the search."""

    total: float = Field(ge=0, allow_inf_nan=False)


class SearchAnswer(ApiModel):
    """The matches, best first, and how they were found."""

    bundle: str
    report_url: str | None = None
    metric: Metric
    exact: bool
    clusters_opened: int = Field(ge=0)
    clusters_total: int = Field(ge=0)
    items: int = Field(ge=0)
    total: int | None = Field(default=None, ge=0)
    offset: int = Field(default=0, ge=0)
    link: str
    """This search from its first page, without its picture."""
    next: str | None = None
    """The page after this one; None after the last."""
    milliseconds: Milliseconds
    query: Size | None = None
    calibration: Calibration | None = None
    hits: list[Hit]


class HeatMap(ApiModel):
    """One of two pictures, under what each part of it adds to their similarity."""

    overlay_png_base64: str = Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")


class ExplainAnswer(ApiModel):
    """Where two pictures are alike."""

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
    """A value, and how many items have it."""

    value: Value
    count: int = Field(ge=0)


class LabelsAnswer(ApiModel):
    """The most frequent labels, and how many there are in all."""

    labels: list[ValueCount]
    distinct: int = Field(ge=0)


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
    """What keeps the API from searching."""

    detail: str


class Problem(ApiModel):
    """An error in the API's own words (RFC 9457)."""

    title: str
    status: int = Field(ge=400, le=599)
    code: str | None = None
    detail: str = ""
    request_id: str | None = None
