"""The bundles that can be served."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.search.answer import Answer, ReportUrl


class BundleAnswer(Answer):
    """One bundle. `metrics` maps a stage of the training to its measures on held-out pictures; `intervals` likewise."""

    id: Annotated[str, Field(examples=["20261122-101500-efficientnet-lite0"])]
    created: datetime
    encoder: Annotated[str, Field(description="The network that looks at the pictures.", examples=["resnet50"])]
    stage: Annotated[str, Field(description="How far it was tuned.", examples=["finetune"])]
    items: Annotated[int, Field(description="How many it was made from.", examples=[1200])]
    preset: Annotated[str | None, Field(description="The ready choice it was made by.", examples=["balanced"])]
    metrics: Annotated[Mapping[str, Mapping[str, float]], Field(examples=[{"head": {"map": 0.91}}])]
    intervals: Annotated[
        Mapping[str, Mapping[str, tuple[float, float]]],
        Field(description="Ends of the 95 % intervals of the metrics.", examples=[{"head": {"map": [0.89, 0.93]}}]),
    ]
    live: Annotated[bool, Field(description="Searches are answered from it.")]
    loaded: Annotated[bool, Field(description="Searches that name it are answered from it.")]
    report_url: ReportUrl


class BundlesAnswer(Answer):
    """The bundles that can be served, newest first."""

    bundles: list[BundleAnswer]
