"""The shapes of feedback: what people say of a picture and an item."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from api.schemas.fields import Body, Nothing
from api.schemas.items.bin import ENTRY
from api.schemas.search.answer import Answer
from api.schemas.text import ItemName, Label
from retrieval.catalogue.records.feedback import Feedback, Verdict

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
FEEDBACK_EXAMPLES = {
    "a wrong hit of an item": {"id": "vases/amphora 3.jpg", "item": "bowls/7.jpg", "verdict": "wrong", "by": "Ann"},
    "a right hit of a picture": {"sha256": SHA256, "item": "bowls/7.jpg", "verdict": "right"},
}

FeedbackName = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="The name of an entry.", examples=[ENTRY])]
VerdictField = Annotated[
    Verdict,
    Field(
        description="Of a hit of a search: `right` or `wrong`. Of two pictures: they show the `same`, or something "
        "`different`."
    ),
]


class FeedbackBody(Body):
    """What is said of a picture, by exactly one of `id` and `sha256`, and of an item."""

    id: Annotated[ItemName | Nothing, Field(description="The item that was searched with.", examples=[""])] = None
    sha256: Annotated[
        Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=[SHA256])] | Nothing,
        Field(description="The SHA-256 of the file that was searched with, in lower case."),
    ] = None
    item: Annotated[ItemName, Field(description="The item that it is said of.", examples=["bowls/7.jpg"])]
    verdict: VerdictField
    by: Annotated[Label | Nothing, Field(description="Who says it.")] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.id is None) == (self.sha256 is None):
            raise ValueError("send exactly one of id and sha256")
        return self


class FeedbackAnswer(Answer):
    """What was said, of which pictures, by whom and when."""

    entry: FeedbackName
    id: Annotated[str | None, Field(description="The item that was searched with; null for a picture.")]
    sha256: Annotated[str, Field(description="The SHA-256 of the picture that was searched with.", examples=[SHA256])]
    item: Annotated[str, Field(examples=["bowls/7.jpg"])]
    item_sha256: Annotated[str, Field(description="The SHA-256 of the item's picture at that time.", examples=[SHA256])]
    verdict: VerdictField
    by: Annotated[str | None, Field(description="Who said it; null where that was not sent.", examples=["Ann"])]
    key: Annotated[str | None, Field(description="The name of the key it was sent with; null without keys.")]
    created: Annotated[datetime, Field(description="When it was said, UTC, by the server's clock.")]

    @classmethod
    def of(cls, feedback: Feedback) -> Self:
        """What the API tells of it."""
        return cls(
            entry=feedback.entry,
            id=feedback.query_item,
            sha256=feedback.query_sha256,
            item=feedback.item,
            item_sha256=feedback.item_sha256,
            verdict=feedback.verdict,
            by=feedback.said_by,
            key=feedback.key_name,
            created=feedback.created,
        )


class FeedbackListAnswer(Answer):
    """Some of the feedback, the latest first."""

    feedback: list[FeedbackAnswer]
    next: Annotated[
        str | None,
        Field(
            description="The next page, as a link; null after the last one.",
            examples=[f"/feedback?limit=24&cursor={ENTRY}"],
        ),
    ]
