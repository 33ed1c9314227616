"""The shapes of requests and answers, and what the OpenAPI document says of them."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from api.links import link
from retrieval.calibration import Meaning
from retrieval.catalogue import Attribute, Item

Ranking = Literal["cosine", "euclidean", "fused"]
"""What hits are ranked by: one of the two metrics, or both rankings fused."""

ReportUrl = Annotated[
    str | None,
    Field(
        description="What the bundle is worth, as a page to read. null where it came without a report.",
        examples=["/bundles/20261122-101500-efficientnet-lite0/report/index.html"],
    ),
]

Created = Annotated[
    datetime, Field(description="When it came into the catalogue, UTC.", examples=["2026-11-24T18:05:42.073215Z"])
]
Sha256 = Annotated[
    str,
    Field(
        description="Of the picture's file, in hexadecimal: it changes when the picture is replaced.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]


class ThumbnailSize(IntEnum):
    """Pixels that the longer side has at most."""

    SMALL = 160
    MEDIUM = 320
    LARGE = 640


class Answer(BaseModel):
    """What all answers are."""

    model_config = ConfigDict(frozen=True)


class ItemAnswer(Answer):
    """One picture of the catalogue; `width` and `height` in pixels."""

    id: Annotated[str, Field(examples=["vases/amphora 3.jpg"])]
    label: Annotated[str | None, Field(examples=["amphora"])]
    attributes: Annotated[Mapping[str, Attribute], Field(examples=[{"shape": "vase", "price": 3.5}])]
    width: Annotated[int, Field(examples=[400])]
    height: Annotated[int, Field(examples=[533])]
    created: Created
    sha256: Sha256
    image_url: Annotated[str, Field(examples=["/item/image?id=vases%2Famphora%203.jpg"])]
    thumbnail_url: Annotated[str, Field(examples=["/item/thumbnail?id=vases%2Famphora%203.jpg"])]

    @classmethod
    def of(cls, item: Item) -> Self:
        """What the API tells of a catalogue's item."""
        return cls(**item_fields(item))


def item_fields(item: Item) -> dict[str, Any]:
    """What both an item and a hit tell of a catalogue's item, by field."""
    return {
        "id": item.id,
        "label": item.label,
        "attributes": item.attributes,
        "width": item.width,
        "height": item.height,
        "created": item.created,
        "sha256": item.sha256,
        "image_url": image_url(item.id),
        "thumbnail_url": thumbnail_url(item.id),
    }


NextCursor = Annotated[
    str | None,
    Field(
        description="Where this page ends: sent as `cursor`, with the same fields as before, it brings the next page. "
        "null after the last one.",
        examples=["eJyLVipLLSrOzM9T0lEysKwFACuWBPk"],
    ),
]


class ItemsAnswer(Answer):
    """Some of the items, in order, and how many the filter lets through in all."""

    items: list[ItemAnswer]
    total: Annotated[int, Field(examples=[1200])]
    next: Annotated[
        str | None,
        Field(
            description="The next page, as a link; null after the last one. Items that are added or deleted meanwhile "
            "make no other one come twice, or be left out.",
            examples=["/items?order=id&limit=24&cursor=eJyLVipLLSrOzM9T0lEysKwFACuWBPk"],
        ),
    ]
    next_cursor: NextCursor


class Hit(Answer):
    """One match. Cosine: larger is closer. Euclidean: smaller is closer."""

    id: Annotated[str, Field(examples=["vases/amphora 3.jpg"])]
    rank: Annotated[int, Field(description="1 for the best.", examples=[1])]
    label: Annotated[str | None, Field(examples=["amphora"])]
    attributes: Annotated[Mapping[str, Attribute], Field(examples=[{"shape": "vase", "price": 3.5}])]
    width: Annotated[int, Field(description="Of the item's picture, in pixels.", examples=[400])]
    height: Annotated[int, Field(examples=[533])]
    created: Created
    sha256: Sha256
    score: Annotated[
        float,
        Field(
            description="What the hits are ranked by, larger is better: the cosine; 1 / (1 + distance) by the "
            "Euclidean distance; the sum of 1 / (60 + rank) in both rankings, if they are fused. Of words: 1 for an "
            "item that has all of them whole, 0.5 for one that has some only as beginnings.",
            examples=[0.91],
        ),
    ]
    cosine: Annotated[float | None, Field(description="null for a hit of words.", examples=[0.91])]
    euclidean: Annotated[float | None, Field(description="null for a hit of words.", examples=[0.42])]
    match_probability: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="How probable it is that this is a true match, by the metric searched with; `calibration` says "
            "what a true match is. null where the bundle is not calibrated, and for fused ranks.",
            examples=[0.97],
        ),
    ]
    group: Annotated[
        Attribute | None,
        Field(description="Its value of what was grouped by; null without groups, too.", examples=["amphora"]),
    ]
    more: Annotated[
        int | None,
        Field(description="Further items of its group that pass the filter. null without groups.", examples=[12]),
    ]
    cluster: Annotated[
        int | None,
        Field(description="The cluster that the item's vector is in; null for a hit of words.", examples=[7]),
    ]
    image_url: Annotated[str, Field(examples=["/item/image?id=vases%2Famphora%203.jpg"])]
    thumbnail_url: Annotated[str, Field(examples=["/item/thumbnail?id=vases%2Famphora%203.jpg"])]


class Milliseconds(Answer):
    """Where the time went. `total` also holds the fetch of a URL, the wait for a worker and a look at the catalogue."""

    decode: Annotated[float, Field(examples=[3.1])]
    encode: Annotated[float, Field(examples=[7.2])]
    search: Annotated[float, Field(examples=[0.6])]
    total: Annotated[float, Field(examples=[11.4])]

    @classmethod
    def of(cls, **seconds: float) -> Self:
        """Of the seconds that each step took."""
        return cls(**{step: round(1000 * duration, 2) for step, duration in seconds.items()})


class Query(Answer):
    """The picture that was searched with; pixels, after EXIF orientation."""

    width: Annotated[int, Field(examples=[400])]
    height: Annotated[int, Field(examples=[533])]
    sha256: Annotated[
        str,
        Field(
            description="Of the file that was sent or fetched, as `POST /feedback` takes it.",
            examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        ),
    ]


class Calibration(Answer):
    """How the probabilities were learned: on pictures that the model had not seen."""

    meaning: Annotated[
        Meaning,
        Field(
            description="What a true match is: an item of the same `label`; or, learned without labels, the same "
            "`picture`, changed as a camera or an editor may."
        ),
    ]
    pairs: Annotated[int, Field(description="Of a picture and a hit, that they were fitted on.", examples=[24_000])]


class NearWords(Answer):
    """A word that no item has, and known words that are spelled nearly so, the nearest first."""

    word: Annotated[str, Field(examples=["amfora"])]
    near: Annotated[list[str], Field(examples=[["amphora"]])]


class SearchAnswer(Answer):
    """The hits, best first, and how they were found."""

    bundle: Annotated[str, Field(examples=["20261122-101500-efficientnet-lite0"])]
    report_url: ReportUrl
    metric: Annotated[Ranking | None, Field(description="null for a search with words.")]
    text_search: Annotated[
        Literal["words"] | None,
        Field(description="How `text` was searched for: by the words of ids, labels and attributes. null without it."),
    ] = None
    near_words: Annotated[
        list[NearWords],
        Field(description="Where words found nothing: those of them that no item has, and known words near them."),
    ] = []
    exact: Annotated[
        bool,
        Field(
            description="Certified: no item that is wanted is a better match than these; and where these are fewer "
            "than `k`, there is no other one."
        ),
    ]
    recall_estimate: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Which share of the best matches is likely to be among those that were found: 1 if the answer "
            "is exact. Measured on queries that were not in the gallery, when the bundle was built; null where it was "
            "not.",
            examples=[0.993],
        ),
    ]
    clusters_opened: Annotated[int, Field(examples=[12])]
    clusters_total: Annotated[int, Field(examples=[139])]
    items: Annotated[int, Field(description="How many items there were to find.", examples=[1200])]
    total: Annotated[
        int | None,
        Field(
            description="How many hits, or groups, there are on all pages; null where a threshold leaves that unknown.",
            examples=[180],
        ),
    ]
    offset: Annotated[int, Field(description="How many hits come before these.", examples=[0])]
    next: Annotated[
        str | None,
        Field(
            description="The next page, as a link; null after the last one. It needs no picture again, and asks the "
            "same bundle as long as that is loaded. Items that are added, changed or deleted meanwhile make no other "
            "one come twice, or be left out; of `fused` ranks and groups, this holds for the first 300. It has at most "
            "2,000 characters: a value that is too long for it, such as a filter of many values, is stored by the "
            "server for a day after it was last used, and the link has a short name in its place.",
            examples=["/search?k=20&cursor=eJyLVipLLSrOzM9T0lEysKwFACuWBPk"],
        ),
    ]
    next_cursor: NextCursor
    link: Annotated[
        str,
        Field(
            description="This search as a link, from its first page: the query is in it as numbers, so that no picture "
            "is needed again. The metric and every other option may be changed in it. It holds as long as this bundle "
            "is served, and what is stored of it (see `next`) is stored.",
            examples=["/search?k=20&cursor=eJyLVipLLSrOzM9T0lEysKwFACuWBPk"],
        ),
    ]
    milliseconds: Milliseconds
    query: Annotated[Query | None, Field(description="null for a search without a picture.")]
    calibration: Annotated[Calibration | None, Field(description="null where the bundle is not calibrated.")]
    hits: list[Hit]


def item_url(item_id: str, part: str = "") -> str:
    """Where an item is, or a part of it. The id is in the query, which no proxy changes as it may change a path."""
    return link(f"/item{part}?id={quote(item_id, safe='')}")


def image_url(item_id: str) -> str:
    """Where an item's picture is."""
    return item_url(item_id, "/image")


def report_url(bundle_id: str) -> str:
    """Where a bundle's report begins; its files are beside it."""
    return link(f"/bundles/{bundle_id}/report/index.html")


def thumbnail_url(item_id: str) -> str:
    """Where an item's thumbnail is."""
    return item_url(item_id, "/thumbnail")
