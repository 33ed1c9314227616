"""The shapes of jobs: long work that a worker does."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from api.schemas.fields import Body
from api.schemas.items.bin import ENTRY
from api.schemas.search.answer import Answer
from retrieval.catalogue.records.jobs import Job, Kind, State

JOB_EXAMPLES = {"learn from corrections and feedback": {"kind": "learn"}, "train again": {"kind": "train"}}

JobName = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="The name of a job.", examples=[ENTRY])]
KindField = Annotated[
    Kind,
    Field(
        description="`learn`: refit the head of the live bundle with what people corrected, judged and added. `train`: "
        "the run of the live bundle once more. `report`: its report on the catalogue as it is now; `health`: the same, "
        "with every file checked."
    ),
]


class JobBody(Body):
    """What is to be done."""

    kind: KindField


class JobAnswer(Answer):
    """A job, and how far it is."""

    job: JobName
    kind: KindField
    state: Annotated[
        State, Field(description="`waiting` for a worker, `running`, or how it ended: `done`, `failed`, `cancelled`.")
    ]
    step: Annotated[str | None, Field(description="What it is doing.", examples=["Refitting the head"])]
    done: Annotated[int | None, Field(description="How much of the step is done.")]
    total: Annotated[int | None, Field(description="Of how much.")]
    outcome: Annotated[str | None, Field(description="What it said at its end: its last lines.")]
    key: Annotated[str | None, Field(description="The name of the key that asked for it; null without keys.")]
    attempts: Annotated[int, Field(description="How often it was begun.")]
    created: Annotated[datetime, Field(description="When it was asked for, UTC.")]
    started: Annotated[datetime | None, Field(description="When it was begun last.")]
    ended: Annotated[datetime | None, Field(description="When it ended.")]

    @classmethod
    def of(cls, job: Job) -> Self:
        """What the API tells of it."""
        return cls(
            job=job.job,
            kind=job.kind,
            state=job.state,
            step=job.step,
            done=job.done,
            total=job.total,
            outcome=job.outcome,
            key=job.asked_by,
            attempts=job.attempts,
            created=job.created,
            started=job.started,
            ended=job.ended,
        )


class JobListAnswer(Answer):
    """Some of the jobs, the latest first."""

    jobs: list[JobAnswer]
    next: Annotated[
        str | None,
        Field(
            description="The next page, as a link; null after the last one.",
            examples=[f"/jobs?limit=24&cursor={ENTRY}"],
        ),
    ]
