"""POST /items/batch: the lines of a stream through the encoder, some at a time, and an answer for each.

What is answered is kept until the stream ends: most clients read nothing before they have sent all, and would wait for
a server that waits for them.
"""

from collections.abc import AsyncIterator, Sequence

from api.errors import Refusal, problem_of
from api.fetch.client import ClientFetcher, Downloads
from api.items.add import Added, add_all
from api.items.prepare import NewItem
from api.items.upload import Line, new_item, read_line
from api.limits import Pool
from api.schemas.clusters import LineAnswer
from api.schemas.item_request import ItemBody
from api.serving.batch_encoder import TOGETHER
from api.serving.engine import Engine
from retrieval.errors import LookalikeError

MAX_LINES = 10_000
"""Lines of one request; its answers are held in memory."""
MAX_GATHERED_BYTES = 32_000_000
"""Lines are not gathered beyond this before they are encoded."""
TOO_MANY_LINES = f"Only {MAX_LINES:,} lines are read of one request; send this one and those after it in another one."

_Read = ItemBody | Refusal


async def answer_lines(
    lines: AsyncIterator[Line], engine: Engine, fetcher: ClientFetcher, pool: Pool, request_id: str
) -> list[LineAnswer]:
    """An answer for each line, in order. Raises what the lines raise."""
    answers: list[LineAnswer] = []
    pending: list[Line] = []
    pending_bytes = 0
    async for line in lines:
        if len(answers) + len(pending) == MAX_LINES:
            answers += await _answers(pending, engine, fetcher, pool, request_id)
            answers.append(_refused(line.number, Refusal("too_many_bytes", TOO_MANY_LINES), request_id))
            return answers
        pending.append(line)
        pending_bytes += len(line.content or b"")
        if len(pending) == TOGETHER or pending_bytes > MAX_GATHERED_BYTES:
            answers += await _answers(pending, engine, fetcher, pool, request_id)
            pending, pending_bytes = [], 0
    return answers + await _answers(pending, engine, fetcher, pool, request_id)


async def _answers(
    lines: Sequence[Line], engine: Engine, fetcher: ClientFetcher, pool: Pool, request_id: str
) -> list[LineAnswer]:
    if not lines:
        return []
    try:
        read = await pool.run(_read, lines)
        downloads = await fetcher.fetch_all(
            [url for body in read if isinstance(body, ItemBody) for url in body.urls()], each_alone=True
        )
        return await pool.run(_add, lines, read, downloads, engine, request_id)
    except Refusal as refusal:  # overloaded, or nothing is served any more
        return [_refused(line.number, refusal, request_id) for line in lines]


def _read(lines: Sequence[Line]) -> list[_Read]:
    return [read_line(line) for line in lines]


def _add(
    lines: Sequence[Line], read: Sequence[_Read], downloads: Downloads, engine: Engine, request_id: str
) -> list[LineAnswer]:
    items = [_open(body, downloads) for body in read]
    outcomes = iter(add_all(engine, [new for new in items if isinstance(new, NewItem)]))
    answers = []
    for line, new in zip(lines, items, strict=True):
        outcome = next(outcomes) if isinstance(new, NewItem) else new
        if isinstance(outcome, Added):
            answers.append(LineAnswer(line=line.number, status=outcome.status, id=outcome.item.id, problem=None))
        else:
            answers.append(_refused(line.number, outcome, request_id))
    return answers


def _open(read: _Read, downloads: Downloads) -> NewItem | Refusal:
    try:
        return new_item(read, downloads) if isinstance(read, ItemBody) else read
    except Refusal as refusal:
        return refusal


def _refused(number: int, error: LookalikeError | Refusal, request_id: str) -> LineAnswer:
    problem = problem_of(error, request_id)
    return LineAnswer(line=number, status=problem.status, id=None, problem=problem)
