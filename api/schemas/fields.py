"""The fields that requests of several kinds have: pictures, items and bundles by name."""

from typing import Annotated

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from retrieval.images import SUPPORTED

Nothing = SkipJsonSchema[None]  # a field is there or not, it is never null

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
