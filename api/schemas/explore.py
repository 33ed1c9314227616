"""The shapes of answers besides those of a search."""

from typing import Annotated

from pydantic import Field

from api.errors import Problem
from api.schemas.search.answer import Answer, SearchAnswer
from retrieval.catalogue import Attribute


class BatchAnswer(Answer):
    """For each query, in its order: its answer, or the problem with it."""

    answers: list[SearchAnswer | Problem]


class HeatMap(Answer):
    """What each cell of a picture adds to the cosine; some take from it."""

    grid: Annotated[
        list[list[float]],
        Field(
            description="Row by row from the top. All cells sum to the cosine.", examples=[[[0.2, 0.4], [0.1, 0.21]]]
        ),
    ]
    overlay_png_base64: Annotated[
        str, Field(description="The picture under the map, PNG in Base64: what adds is red, what takes away is blue.")
    ]


class ExplainAnswer(Answer):
    """How alike two pictures are, and where."""

    bundle: Annotated[str, Field(examples=["20261122-101500-efficientnet-lite0"])]
    cosine: Annotated[float, Field(examples=[0.91])]
    query: HeatMap
    item: HeatMap


class Point(Answer):
    """In pixels of the upright picture, from its upper left corner."""

    x: float
    y: float


class FaceAnswer(Answer):
    """One face: its number for a search, its box in pixels of the upright picture, and where its features are."""

    face: Annotated[int, Field(description="1 for the largest.", examples=[1])]
    x: Annotated[float, Field(examples=[40.5])]
    y: Annotated[float, Field(examples=[31.0])]
    width: Annotated[float, Field(examples=[96.0])]
    height: Annotated[float, Field(examples=[96.0])]
    confidence: Annotated[float, Field(description="By the detector's own measure; more is surer.", examples=[0.998])]
    landmarks: Annotated[
        list[Point] | None,
        Field(
            description="The eye at the left of the picture, the other one, the tip of the nose, the corner of the "
            "mouth at the left, the other one. null from a detector that finds none."
        ),
    ]
    size: Annotated[
        float, Field(description="The square root of the box's area, in pixels: face_size of an item.", examples=[96.0])
    ]
    blur: Annotated[float, Field(description="From 0, sharp, to 1: face_blur of an item.", ge=0, le=1, examples=[0.31])]
    pose: Annotated[
        float | None,
        Field(
            description="From 0, seen from the front, to 1, turned or tilted away: face_pose of an item. null without "
            "landmarks.",
            ge=0,
            le=1,
            examples=[0.08],
        ),
    ]


class FacesAnswer(Answer):
    """The faces of a picture, largest first; its size in pixels."""

    width: Annotated[int, Field(examples=[400])]
    height: Annotated[int, Field(examples=[533])]
    faces: list[FaceAnswer]


class ValueCount(Answer):
    """A value, and how many items have it."""

    value: Annotated[Attribute, Field(examples=["amphora"])]
    count: Annotated[int, Field(examples=[32])]


class LabelsAnswer(Answer):
    """The labels, most frequent first, and how many there are in all."""

    labels: list[ValueCount]
    distinct: Annotated[int, Field(examples=[81])]


class FacetAnswer(Answer):
    """The most frequent values of an attribute."""

    attribute: Annotated[str, Field(examples=["shape"])]
    values: list[ValueCount]
    distinct: Annotated[int, Field(description="How many different values there are in all.", examples=[7])]
    least: Annotated[float | None, Field(description="The smallest number; null without any.", examples=[0.5])]
    most: Annotated[float | None, Field(description="The largest number; null without any.", examples=[90])]


class FacetsAnswer(Answer):
    """The attributes by name."""

    facets: list[FacetAnswer]
