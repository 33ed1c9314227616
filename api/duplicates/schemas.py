"""The shapes of what /duplicates is asked and answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.duplicates.search import Step, Tier
from api.schemas.fields import as_tuple
from api.schemas.search.answer import Answer, ItemAnswer
from retrieval.catalogue import ID_LENGTH
from retrieval.duplicates.keeping import Reason
from retrieval.text import nfc

MAX_DISMISSED = 200
MAX_MERGED = 1000


class FileAnswer(Answer):
    """What the file of a member is like."""

    id: Annotated[str, Field(description="Of the member.", examples=["vases/amphora 3.jpg"])]
    bytes: Annotated[int, Field(examples=[48_123])]
    written: Annotated[datetime | None, Field(description="When the file was written, UTC.")]
    mirrored: Annotated[bool, Field(description="It is mirrored or turned over, compared with the one to keep.")]
    lossless: Annotated[bool, Field(description="Its format loses nothing, such as PNG.")]
    camera_data: Annotated[bool, Field(description="It has data of a camera or an editor (EXIF).")]
    colour_profile: Annotated[bool, Field(description="It has a colour profile (ICC).")]


class GroupAnswer(Answer):
    """Items that are one picture, or one thing."""

    keep: Annotated[str, Field(description="The one worth keeping.", examples=["vases/amphora 3.jpg"])]
    why: Annotated[
        str,
        Field(
            description="Why that one. Preferred, in this order: the right way round, more pixels, an older "
            "file, a label, a lossless format, camera data, a colour profile, sharpness, bytes.",
            examples=["the most pixels (800 x 600 pixels)"],
        ),
    ]
    reasons: Annotated[
        list[Reason], Field(description="The same as codes, for programs.", examples=[["pixels", "first"]])
    ]
    members: list[ItemAnswer]
    files: Annotated[list[FileAnswer], Field(description="Their files, in the same order.")]
    probability: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="For the same thing: how probable it is that the member least like the one to keep shows the "
            "same thing. null for the other tiers, which are certain.",
            examples=[0.97],
        ),
    ]


class DuplicatesAnswer(Answer):
    """The groups of one tier."""

    state: Literal["done"] = "done"
    stale: Annotated[bool, Field(description="Items or model have changed since; POST /duplicates/refresh looks anew.")]
    found_at: datetime
    unreadable: Annotated[
        int,
        Field(
            description="Items left out, as their picture is gone, broken, or was changed where it lies.", examples=[0]
        ),
    ]
    tier: Tier
    total_groups: Annotated[int, Field(examples=[17])]
    totals: Annotated[
        Mapping[Tier, int | None],
        Field(
            description="How many groups each tier has; null for what the model served cannot tell.",
            examples=[{"identical": 3, "same_picture": 17, "same_thing": None}],
        ),
    ]
    groups: list[GroupAnswer]
    next: Annotated[
        str | None,
        Field(description="The next page, as a link.", examples=["/duplicates?tier=same_picture&offset=20&limit=20"]),
    ]


class SearchingAnswer(Answer):
    """The search is under way; ask again."""

    state: Literal["running"] = "running"
    step: Annotated[Step, Field(description="Whether pictures are being read, or pairs of them compared.")]
    done: Annotated[int, Field(description="Of this step.", examples=[420])]
    total: Annotated[int, Field(description="Of this step; 0 until it is known.", examples=[1200])]


class DismissalAnswer(Answer):
    """What was said once: no two of these pictures are duplicates of each other."""

    id: Annotated[str, Field(examples=["549ffa06777154c68d68ed41e4a0ca51"])]
    created: Annotated[datetime, Field(description="When that was said, UTC.")]
    items: Annotated[list[ItemAnswer], Field(description="Those items that still have the pictures that were meant.")]
    gone: Annotated[int, Field(description="Items that are gone since, or have another picture.", examples=[0])]


class DismissalsAnswer(Answer):
    """Some dismissals, the latest first."""

    dismissals: list[DismissalAnswer]
    total: Annotated[int, Field(examples=[3])]
    next: Annotated[
        str | None,
        Field(description="The next page, as a link.", examples=["/duplicates/dismissed?offset=20&limit=20"]),
    ]


class MergeBody(BaseModel):
    """Copies of one picture: which to keep, and which to delete."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"keep": "bowls/7.jpg", "delete": ["bowls/8.jpg"]}]},
    )

    keep: Annotated[str, Field(min_length=1, max_length=ID_LENGTH), AfterValidator(nfc)]
    delete: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=ID_LENGTH), AfterValidator(nfc)], ...],
        Field(min_length=1, max_length=MAX_MERGED, json_schema_extra={"uniqueItems": True}),
        as_tuple(MAX_MERGED),
    ]

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len({self.keep, *self.delete}) <= len(self.delete):
            raise ValueError("name each item once; nothing was changed")
        return self


class MergeAnswer(Answer):
    """The item that was kept, as it is now, and how many others were deleted."""

    item: ItemAnswer
    deleted: Annotated[int, Field(examples=[1])]


class DismissalBody(BaseModel):
    """Items of which no two are duplicates of each other."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"ids": ["bowls/7.jpg", "bowls/8.jpg"]}]}
    )

    ids: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=ID_LENGTH), AfterValidator(nfc)], ...],
        Field(min_length=2, max_length=MAX_DISMISSED, json_schema_extra={"uniqueItems": True}),
        as_tuple(MAX_DISMISSED),
    ]

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len(set(self.ids)) < len(self.ids):
            raise ValueError("name each item once")
        return self
