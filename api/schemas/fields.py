"""The fields that requests of several kinds have: pictures, items and bundles by name."""

import re
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from retrieval.images import SUPPORTED

WHOLE = re.compile(r"\s*[+-]?[0-9]+(\.0*)?\s*")
WITH_EXPONENT = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]{1,2}\s*")
NOT_WHOLE = "must be a whole number"
NOT_NUMBER = "must be a number"


def _whole_number(value: object) -> object:
    """5.0 and 5e0 are 5, in JSON and in a link; true is no number, and neither is 1_0, or a text in JSON."""
    if isinstance(value, str) and WITH_EXPONENT.fullmatch(value) and float(value).is_integer():
        return str(int(float(value)))  # still a text, which JSON is refused for
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | float) or (isinstance(value, str) and not WHOLE.fullmatch(value)):
        raise ValueError(NOT_WHOLE)
    return value


def _number(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise ValueError(NOT_NUMBER)
    return value


def as_tuple(max_length: int) -> BeforeValidator:
    """To stand last in an annotation of a tuple of at most so many entries: JSON has lists, and is checked strictly.

    Of a longer list one entry too many is kept. pydantic would look at all of a million before it refuses them.
    """

    def convert(value: object) -> object:
        return tuple(value[: max_length + 1]) if isinstance(value, list) else value

    return BeforeValidator(convert)


# To stand last in an annotation, after the bounds of a field: they come before what pydantic checks.
Whole = BeforeValidator(_whole_number)
AsNumber = BeforeValidator(_number)

FILE_FIELDS = ("file", "other_file")
"""The fields of forms that may be files."""

Nothing = SkipJsonSchema[None]  # a field is there or not, it is never null

MAX_CURSOR = 20_000  # characters, as earlier versions wrote them; now they are short


class Body(BaseModel):
    """What bodies are, whose fields are there or not."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)  # no picture in a log

    @model_validator(mode="after")
    def _nothing_is_null(self) -> Self:
        if null := sorted(name for name in self.model_fields_set if getattr(self, name) is None):
            raise ValueError(f"null says nothing; leave out {' and '.join(null)}")
        return self


CursorText = Annotated[
    str, Field(max_length=MAX_CURSOR, description="Where the page before ended: the `next_cursor` of its answer.")
]
Base64 = Annotated[
    str, Field(description="A picture's file in Base64 (RFC 4648).", json_schema_extra={"contentEncoding": "base64"})
]
# A field of a form that is said to be encoded would be sent as a file.
Base64Field = Annotated[str, Field(description="A picture's file in Base64 (RFC 4648), as text.")]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="Where a picture is on the web: http or https, on the ports 80 and 443, at a public address.",
        examples=["https://shop.example/pictures/amphora.jpg"],
        json_schema_extra={"format": "uri"},
    ),
]
File = Annotated[
    bytes | Nothing,
    Field(
        description=f"The picture: {SUPPORTED}.",
        json_schema_extra={"contentMediaType": "application/octet-stream", "format": "binary"},
    ),
]
BundleName = Annotated[
    Annotated[str, Field(max_length=200)] | Nothing,
    Field(description="Ask this bundle in place of the live one. It must be loaded: see /bundles."),
]
