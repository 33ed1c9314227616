"""The shapes of what is answered of the catalogue, besides single items."""

from typing import Annotated, Literal

from pydantic import Field

from api.errors import Problem
from api.schemas.search.answer import Answer, ItemAnswer, NextCursor


class LineAnswer(Answer):
    """What became of a line."""

    line: Annotated[int, Field(description="Its number; the first is 1.", examples=[1])]
    status: Annotated[
        int, Field(description="201: created. 200: it was there already. Else that of the problem.", examples=[201])
    ]
    id: Annotated[str | None, Field(examples=["vases/amphora 3.jpg"])]
    problem: Problem | None


class LinesAnswer(Answer):
    """What became of each item of a list, in its order."""

    answers: list[LineAnswer]


class DeletedAnswer(Answer):
    """How many items a filter let through, and how many of them were deleted: none in a dry run."""

    matching: Annotated[int, Field(examples=[12])]
    deleted: Annotated[int, Field(examples=[12])]


class LabelCount(Answer):
    """A label, and how many items have it."""

    label: Annotated[str, Field(examples=["amphora"])]
    count: Annotated[int, Field(examples=[31])]


class ClusterAnswer(Answer):
    """Vectors that K-Means has put together, with those that came later."""

    number: Annotated[int, Field(examples=[7])]
    size: Annotated[int, Field(description="How many vectors are in it.", examples=[42])]
    radius: Annotated[float, Field(description="Of the one farthest from the centre, the distance.", examples=[0.61])]
    medoid: Annotated[ItemAnswer | None, Field(description="The item nearest to the centre; null if there is none.")]
    labels: Annotated[list[LabelCount], Field(description="The most frequent labels, five at most.")]


class ClusterDetail(ClusterAnswer):
    """One cluster, looked into."""

    sample: Annotated[list[ItemAnswer], Field(description="Up to 50 items, nearest to the centre first.")]


DriftCode = Literal["fits", "outside", "grown", "uneven"]
"""Why it pays to train again: items unlike all clusters, far more items, uneven clusters. `fits`: it does not."""


class Drift(Answer):
    """How far the catalogue has moved from what the model was trained on."""

    items: Annotated[int, Field(examples=[1450])]
    trained_items: Annotated[int, Field(examples=[1200])]
    outside_share: Annotated[
        float,
        Field(description="Share of vectors farther from the centre than any that was trained on.", examples=[0.02]),
    ]
    imbalance: Annotated[
        float,
        Field(
            description="How uneven the clusters are: the mean size of a vector's own cluster over that of equal "
            "clusters; 1 if all are equal.",
            examples=[1.6],
        ),
    ]
    retrain: Annotated[bool, Field(description="It pays to train again.")]
    reason: Annotated[str, Field(examples=["The items are much like those that were trained on."])]
    code: Annotated[DriftCode, Field(description="The same for programs.", examples=["fits"])]


class ClustersAnswer(Answer):
    """All clusters by number, and whether it pays to train again."""

    clusters: list[ClusterAnswer]
    drift: Drift


class MapPoint(Answer):
    """Where an item is on the map."""

    id: Annotated[str, Field(examples=["vases/amphora 3.jpg"])]
    x: Annotated[float, Field(examples=[0.31])]
    y: Annotated[float, Field(examples=[-0.12])]
    label: Annotated[str | None, Field(examples=["amphora"])]
    cluster: Annotated[int, Field(examples=[7])]
    thumbnail_url: Annotated[str, Field(examples=["/item/thumbnail?id=vases%2Famphora%203.jpg"])]


class MapAnswer(Answer):
    """The points by id, all or a sample, and how many there are in all."""

    points: list[MapPoint]
    total: Annotated[int, Field(examples=[1200])]


class PersonAnswer(Answer):
    """Somebody: who has a `label`, or a `group` of faces without one; the other of the two is null."""

    label: Annotated[str | None, Field(examples=["Ada Lovelace"])]
    group: Annotated[str | None, Field(description="As in the attribute face_group of its items.", examples=[None])]
    count: Annotated[int, Field(description="Of how many items.", examples=[12])]
    sample: Annotated[list[str], Field(description="The first ids of them.", examples=[["party.jpg", "party.jpg#2"]])]


class PeopleAnswer(Answer):
    """Some of the people, those of most items first, and how many there are in all."""

    people: list[PersonAnswer]
    total: Annotated[int, Field(examples=[40])]
    next: Annotated[
        str | None,
        Field(
            description="The next page, as a link; null after the last one.",
            examples=["/groups?limit=24&cursor=eJyLVipLLSrOzM9T0lEysKwFACuWBPk"],
        ),
    ]
    next_cursor: NextCursor
