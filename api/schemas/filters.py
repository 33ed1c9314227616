"""The shape of a filter in a request."""

from collections.abc import Mapping
from typing import Annotated, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    Tag,
    model_validator,
)

from api.schemas.period import PeriodBody
from api.schemas.text import DifferentNames, Text
from retrieval import filters

MAX_VALUES = 1000
MAX_ATTRIBUTES = 20

NO_CONDITION = "must be a text, a number, true, false, null, a list of those, a range such as {gte: 3}, or {not: ...}"
NO_SCALAR = "must be a text, a number, true, false or null"

Number: TypeAlias = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]


KINDS: dict[type, str] = {
    type(None): "none",
    bool: "bool",
    str: "text",
    int: "number",
    float: "number",
    list: "list",
    dict: "RangeBody",
}


def _kind(value: object) -> str | None:
    """Which branch of a union a value is for, so that one mistake is not told once for each of them."""
    if isinstance(value, dict) and "not" in value:
        return "NotBody"
    return KINDS.get(type(value), type(value).__name__)


def _choice(message: str) -> Discriminator:
    return Discriminator(_kind, custom_error_type="no_such_kind", custom_error_message=message)


Scalar: TypeAlias = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[StrictBool, Tag("bool")]
    | Annotated[Number, Tag("number")]
    | Annotated[None, Tag("none")],
    _choice(NO_SCALAR),
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RangeBody(_Part):
    """Numbers, or texts by their code points, within these bounds; at least one of them."""

    gte: Annotated[Number | Text | None, Field(description="At least.")] = None
    gt: Annotated[Number | Text | None, Field(description="More than.")] = None
    lte: Annotated[Number | Text | None, Field(description="At most.")] = None
    lt: Annotated[Number | Text | None, Field(description="Less than.")] = None

    @model_validator(mode="after")
    def _bounds_of_one_kind(self) -> Self:
        self.condition()
        return self

    def condition(self) -> filters.Range:
        """What retrieval knows of it. Raises ValueError."""
        return filters.Range(self.gte, self.gt, self.lte, self.lt)


Values: TypeAlias = Annotated[list[Scalar], Field(max_length=MAX_VALUES)]
Plain: TypeAlias = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[StrictBool, Tag("bool")]
    | Annotated[Number, Tag("number")]
    | Annotated[None, Tag("none")]
    | Annotated[Values, Tag("list")]
    | Annotated[RangeBody, Tag("RangeBody")],
    _choice(NO_CONDITION),
]


class NotBody(_Part):
    """Whatever the condition is not true of; also what has no such value."""

    not_: Annotated[Plain, Field(alias="not")]

    def condition(self) -> filters.Not:
        """What retrieval knows of it."""
        return filters.Not(_condition(self.not_))


ConditionBody: TypeAlias = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[StrictBool, Tag("bool")]
    | Annotated[Number, Tag("number")]
    | Annotated[None, Tag("none")]
    | Annotated[Values, Tag("list")]
    | Annotated[RangeBody, Tag("RangeBody")]
    | Annotated[NotBody, Tag("NotBody")],
    _choice(NO_CONDITION),
]


class FilterBody(_Part):
    """Which items are meant. Each condition is a value (null: has none), a list of values, a range, or a `not`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "label": ["amphora", "bowl"],
                    "attributes": {"price": {"gte": 3, "lt": 10}, "glazed": True, "shape": {"not": "vase"}},
                    "created": {"gte": "2026-11-01"},
                }
            ]
        }
    )

    label: Annotated[ConditionBody, Field(description="null: only items without a label.")] = None
    attributes: Annotated[
        Mapping[Text, ConditionBody],
        DifferentNames,
        Field(description="Conditions by attribute; all must hold.", max_length=MAX_ATTRIBUTES),
    ] = Field(default_factory=dict)
    created: Annotated[PeriodBody | None, Field(description="When the items came into the catalogue.")] = None

    def to_filter(self) -> filters.Filter:
        """What retrieval knows of it."""
        label = _condition(self.label) if "label" in self.model_fields_set else None
        attributes = {name: _condition(body) for name, body in self.attributes.items()}
        return filters.Filter(label, attributes, self.created.period() if self.created else filters.Period())


def _condition(body: ConditionBody) -> filters.Condition:
    match body:
        case RangeBody() | NotBody():
            return body.condition()
        case list():
            return filters.OneOf(tuple(body))
        case _:
            return filters.OneOf((body,))
