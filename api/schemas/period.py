"""The shape of a period in a filter: dates and moments, and which moments a bound includes."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr, WithJsonSchema, model_validator

from retrieval.filters import Period

DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2}))?")
LAST = datetime.max.replace(tzinfo=UTC)
HELP = (
    "must be a date, such as 2026-11-24, or a date and time with its offset from UTC, such as 2026-11-24T18:05:42Z "
    "(in an address, write a + as %2B)"
)


def _time(text: str) -> str:
    _span(text)
    return text


def _span(text: str) -> tuple[datetime, datetime]:
    """The first moment that is meant, and the one after the last: a whole day of UTC, or a microsecond."""
    form = FORM.fullmatch(text)
    if form is None:
        raise ValueError(HELP)
    try:
        moment = datetime.fromisoformat(text.upper() if form[1] else f"{text}T00:00:00Z")
    except ValueError as error:
        raise ValueError(HELP) from error
    return moment, _after(moment, MICROSECOND if form[1] else DAY)


def _after(moment: datetime, step: timedelta) -> datetime:
    try:
        return moment + step
    except OverflowError:
        return LAST


Time: TypeAlias = Annotated[
    StrictStr,
    Field(max_length=40),
    AfterValidator(_time),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]


class PeriodBody(BaseModel):
    """Within these bounds, at least one of them; a date means the whole day, of UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gte: Annotated[Time | None, Field(description="Then or later.", examples=["2026-11-01"])] = None
    gt: Annotated[Time | None, Field(description="Later than.")] = None
    lte: Annotated[Time | None, Field(description="Then or earlier.", examples=["2026-11-24T18:05:42Z"])] = None
    lt: Annotated[Time | None, Field(description="Earlier than.")] = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if all(bound is None for bound in (self.gte, self.gt, self.lte, self.lt)):
            raise ValueError("a period needs at least one of gte, gt, lte and lt")
        return self

    def period(self) -> Period:
        """What retrieval knows of it."""
        starts = [_span(bound)[side] for bound, side in ((self.gte, 0), (self.gt, 1)) if bound is not None]
        ends = [_span(bound)[side] for bound, side in ((self.lt, 0), (self.lte, 1)) if bound is not None]
        return Period(max(starts, default=None), min(ends, default=None))
