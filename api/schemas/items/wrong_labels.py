"""The shapes of labels that are probably wrong, by the health check of a training run."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.search.answer import Answer, ItemAnswer


class WrongLabel(Answer):
    """An item, and the label that its neighbours suggest."""

    item: ItemAnswer
    suggested: Annotated[str, Field(examples=["amphora"])]
    confidence: Annotated[
        float,
        Field(ge=0, le=1, description="How much surer the suggested label is than the item's own.", examples=[0.83]),
    ]


class WrongLabelsAnswer(Answer):
    """Items whose label is probably wrong, the surest first."""

    bundle: Annotated[str, Field(description="The model whose training run checked them.")]
    checked: Annotated[
        datetime | None, Field(description="When it was made, UTC; null where its run did not check the labels.")
    ]
    listed: Annotated[int, Field(description="How many the check found.", examples=[12])]
    total: Annotated[
        int,
        Field(
            description="How many of the 500 surest are undecided: the item is there, has the label of the check, and "
            "nobody said that this is right.",
            examples=[6],
        ),
    ]
    labels: list[WrongLabel]
