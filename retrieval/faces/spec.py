"""How faces are found and cut out, as the manifest says it."""

import re
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

    detector: Literal["haar", "mtcnn", "yunet", "yolo"]
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


def face_of(item_id: str, faces: FaceSpec | None) -> int:
    """Which face of its picture an item is, by its id: the only rule for it, in the trainer and in the API.

    Where every face is an item, `<id>#2` is the second largest face, up to `<id>#9999`; any other id is the largest
    one. Where a picture is one item, each id is the largest face (1).
    """
    numbered = re.fullmatch(r".*#([1-9]\d{0,3})", item_id, re.DOTALL) if faces and faces.which == "all" else None
    return int(numbered[1]) if numbered else 1
