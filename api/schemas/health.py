"""What is told to those who ask whether the process runs and can search."""

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.search.answer import Answer

TOLERANT = {"is_alive", "is_ready"}
"""Operations that are asked by machines, some of which add a parameter of their own against caches."""


class Liveness(Answer):
    """The process runs."""

    status: Literal["alive"] = "alive"


class Ready(Answer):
    """Searches are answered from this bundle. `degraded`: but not everything is as it should be."""

    status: Literal["ready", "degraded"]
    bundle: Annotated[str, Field(examples=["20261122-101500-efficientnet-lite0"])]
    items: Annotated[int, Field(examples=[1200])]
    writes: Annotated[
        Literal["available", "unavailable"],
        Field(description="Whether items can be added, changed and deleted; `detail` says why not."),
    ]
    detail: Annotated[
        str | None,
        Field(
            description="What is wrong, such as why a published bundle is not served, or why nothing can be written.",
            examples=[None],
        ),
    ]


class Unready(Answer):
    """Nothing can be searched yet, and why."""

    status: Literal["starting", "no_bundle", "broken"]
    detail: Annotated[str, Field(examples=["Nothing is published in artifacts. Train first: make demo."])]
