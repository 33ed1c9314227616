"""The shapes of a comparison: two pictures, and whether both show the same."""

from typing import Annotated

from pydantic import Field

from api.schemas.fields import AsNumber, Base64, Base64Field, Body, BundleName, File, Nothing, Url
from api.schemas.search.answer import Answer, Calibration, Query
from api.schemas.search.request import Crop, FaceNumber
from api.schemas.text import ItemName

COMPARE_EXAMPLES = {"two items": {"id": "vases/amphora 3.jpg", "other_id": "bowls/7.jpg"}}


class CompareBody(Body):
    """Two pictures: one of `image_base64`, `url` and `id`, and one of the same names with `other_` before them."""

    bundle: BundleName = None
    id: Annotated[ItemName | Nothing, Field(description="An item, by its stored vector.", examples=[""])] = None
    url: Url | Nothing = None
    image_base64: Base64 | Nothing = None
    crop: Annotated[Crop | Nothing, Field(description="Only this part of the picture.")] = None
    face: Annotated[FaceNumber | Nothing, Field(description="This face of the picture, by its number.")] = None
    other_id: Annotated[ItemName | Nothing, Field(description="The item to compare with.", examples=[""])] = None
    other_url: Url | Nothing = None
    other_image_base64: Base64 | Nothing = None
    other_crop: Annotated[Crop | Nothing, Field(description="Only this part of the other picture.")] = None
    other_face: Annotated[FaceNumber | Nothing, Field(description="This face of the other picture.")] = None
    min_precision: Annotated[
        float,
        Field(ge=0, le=1, description="The `match_probability` from which on both are said to show the same."),
        AsNumber,
    ] = 0.5

    def urls(self) -> list[str]:
        """What is to be fetched for it."""
        return [url for url in (self.url, self.other_url) if url is not None]


class CompareForm(CompareBody):
    """As the JSON body, or with pictures as `file` and `other_file`. `crop` and `other_crop` are JSON texts."""

    file: File = None
    other_file: File = None
    image_base64: Base64Field | Nothing = None
    other_image_base64: Base64Field | Nothing = None


class CompareAnswer(Answer):
    """How alike two pictures are, and whether they show the same."""

    bundle: Annotated[str, Field(examples=["20261122-101500-efficientnet-lite0"])]
    same: Annotated[
        bool | None,
        Field(
            description="Whether `match_probability` is at least `min_precision`; null where the bundle is not "
            "calibrated.",
            examples=[True],
        ),
    ]
    match_probability: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="That of a hit of a search by the cosine which is as near; `calibration` says what a true "
            "match is. null where the bundle is not calibrated.",
            examples=[0.97],
        ),
    ]
    cosine: Annotated[float, Field(examples=[0.91])]
    euclidean: Annotated[float, Field(examples=[0.42])]
    calibration: Annotated[Calibration | None, Field(description="null where the bundle is not calibrated.")]
    query: Annotated[Query | None, Field(description="null for an item.")]
    other: Annotated[Query | None, Field(description="The other picture; null for an item.")]
