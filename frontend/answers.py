"""The shapes of the API's answers, as far as the page relies on them: other fields may come and go."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

Metric = Literal["cosine", "euclidean"]
Meaning = Literal["label", "picture"]
Attributes = dict[str, str | bool | int | float | None]


class Answer(BaseModel):
    """Base of everything that came over the wire."""

    model_config = ConfigDict(frozen=True)


class Item(Answer):
    """One picture of the catalogue; width and height in pixels."""

    id: str = Field(min_length=1, max_length=128)
    label: str | None = None
    attributes: Attributes = {}
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Sample(Answer):
    """Some items to start from, and how many there are in all."""

    items: list[Item]
    total: int = Field(ge=0)


class Hit(Answer):
    """One match. Cosine: larger is closer. Euclidean: smaller is closer."""

    id: str = Field(min_length=1, max_length=128)
    rank: int = Field(ge=1)
    label: str | None = None
    attributes: Attributes = {}
    cosine: FiniteFloat
    euclidean: FiniteFloat
    match_probability: float | None = Field(default=None, ge=0, le=1)


class Calibration(Answer):
    """What a true match is, of which the probabilities are: one of the same label, or the same picture."""

    meaning: Meaning


class Milliseconds(Answer):
    """How long the API worked on the search."""

    total: float = Field(ge=0, allow_inf_nan=False)


class SearchAnswer(Answer):
    """The matches, best first, and how they were found."""

    bundle: str
    report_url: str | None = None
    metric: Metric
    exact: bool
    clusters_opened: int = Field(ge=0)
    clusters_total: int = Field(ge=0)
    items: int = Field(ge=0)
    milliseconds: Milliseconds
    calibration: Calibration | None = None
    hits: list[Hit]


class Unready(Answer):
    """What keeps the API from searching."""

    detail: str


class Problem(Answer):
    """An error in the API's own words (RFC 9457)."""

    title: str
    status: int = Field(ge=400, le=599)
    code: str | None = None
    detail: str = ""
    request_id: str | None = None
