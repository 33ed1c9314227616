"""How faces are found and cut out, as the manifest says it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Point = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Template(_Part):
    """Where an encoder expects the landmarks: (x, y) in pixels of a square picture, in the order of Face.landmarks."""

    side: Annotated[int, Field(gt=0)]
    points: tuple[Point, Point, Point, Point, Point]


class FaceSpec(_Part):
    """The whole stage, apart from the detector's model files."""

    detector: Literal["haar", "mtcnn"]
    min_size: Annotated[int, Field(ge=12)]
    """Smallest face that is looked for, in pixels of the picture as it came."""
    margin: Annotated[float, Field(ge=0, le=1)]
    """Around the face on each side, as a share of its size; for crops that are not aligned."""
    template: Template | None
    """None: crops are not aligned. Nor are they where the detector finds no landmarks."""
    which: Literal["largest", "all"]
    """Of a picture with several faces. A query is always its largest one."""
    missing: Literal["skip", "whole"]
    """A picture without a face: FaceMissing, or used whole."""
