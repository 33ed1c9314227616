"""POST /items/batch: the lines of a stream through the encoder, some at a time, and an answer for each.

Lines are read while others are encoded: as many as have come by then are encoded together, and a lone one at once.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from api.errors import Refusal, problem_of
from api.fetch.client import ClientFetcher, Downloads
from api.items.add import Added, Outcome, add_all
from api.items.prepare import NewItem
from api.items.replies import Answer, live_of
from api.items.upload import Line, open_body, read_line
from api.limits import Pool
from api.schemas.clusters import LineAnswer
from api.schemas.items.write import ItemBody
from api.serving.batch_encoder import TOGETHER
from api.serving.engine import Engine
from api.web.bodies import checked
from retrieval.errors import LookalikeError

MAX_LINES = 10_000
"""Lines of one request; its answers are held in memory until the client reads them."""
MAX_GATHERED_BYTES = 32_000_000
"""Lines are not gathered beyond this before they are encoded."""
TOO_MANY_LINES = f"Only {MAX_LINES:,} lines are read of one request; send this one and those after it in another one."


@dataclass(frozen=True, slots=True)
class Batch:
    """One request, and what it needs."""

    engine: Engine
    fetcher: ClientFetcher
    pool: Pool
    request_id: str
    key: str | None
    """Its idempotency key."""

    async def answers(self, first: Line | None, rest: AsyncIterator[Line]) -> AsyncIterator[str]:
        """An answer for each line, in order, as a line of JSON. Raises what the lines raise, after the answers.

        Whole lines that came before a client went away are added all the same.
        """
        waiting: asyncio.Queue[Line | None] = asyncio.Queue(TOGETHER)
        reading = asyncio.create_task(_read_into(waiting, first, rest))
        count, last = 0, 0
        try:
            while pending := await _gathered(waiting):
                within = pending[: MAX_LINES - count]
                count, last = count + len(within), pending[-1].number
                for answer in await self._answer_lines(within):
                    yield _text(answer)
                if len(within) < len(pending):
                    yield _text(self._refused(pending[len(within)].number, Refusal("too_many_bytes", TOO_MANY_LINES)))
                    return
            await reading
        except Refusal as refusal:  # too late for another status
            yield _text(self._refused(last + 1, refusal))
        finally:
            reading.cancel()

    async def answer_all(self, entries: Sequence[object]) -> list[LineAnswer]:
        """An answer for each entry of a list in JSON, in order; the first counts as line 1."""
        bodies = [_checked(number, entry) for number, entry in enumerate(entries)]
        answers: list[LineAnswer] = []
        for start in range(0, len(bodies), TOGETHER):
            some = bodies[start : start + TOGETHER]
            answers += await self._answer(range(start + 1, start + 1 + len(some)), some)
        return answers

    async def _answer_lines(self, lines: Sequence[Line]) -> list[LineAnswer]:
        numbers = [line.number for line in lines]
        try:
            return await self._answer(numbers, await self.pool.run(lambda: [read_line(line) for line in lines]))
        except Refusal as refusal:
            return [self._refused(number, refusal) for number in numbers]

    async def _answer(self, numbers: Sequence[int], bodies: Sequence[ItemBody | Refusal]) -> list[LineAnswer]:
        try:
            urls = [url for body in bodies if isinstance(body, ItemBody) for url in body.urls()]
            downloads = await self.fetcher.fetch_all(urls, each_alone=True)
            return await self.pool.run(self._add, numbers, bodies, downloads)
        except (Refusal, LookalikeError) as error:  # overloaded, or nothing is served any more
            return [self._refused(number, error) for number in numbers]

    def _add(
        self, numbers: Sequence[int], bodies: Sequence[ItemBody | Refusal], downloads: Downloads
    ) -> list[LineAnswer]:
        opened = [self._open(number, body, downloads) for number, body in zip(numbers, bodies, strict=True)]
        outcomes = iter(add_all(self.engine, [new for new in opened if isinstance(new, NewItem)]))
        return [
            self._line(number, next(outcomes) if isinstance(new, NewItem) else new)
            for number, new in zip(numbers, opened, strict=True)
        ]

    def _open(self, number: int, body: ItemBody | Refusal, downloads: Downloads) -> NewItem | Answer | Refusal:
        try:
            if isinstance(body, Refusal):
                return body
            return open_body(body, downloads, live_of(self.engine).catalogue, line_key(self.key, number))
        except Refusal as refusal:
            return refusal

    def _line(self, number: int, outcome: Outcome) -> LineAnswer:
        if isinstance(outcome, Added):
            return LineAnswer(line=number, status=outcome.status, id=outcome.item.id, problem=None)
        if isinstance(outcome, Answer):
            return LineAnswer(line=number, status=outcome.status, id=outcome.item_id, problem=None)
        return self._refused(number, outcome)

    def _refused(self, number: int, error: LookalikeError | Refusal) -> LineAnswer:
        problem = problem_of(error, self.request_id)
        return LineAnswer(line=number, status=problem.status, id=None, problem=problem)


def line_key(key: str | None, number: int) -> str | None:
    """The idempotency key of a line: each is remembered by itself, so that a batch which broke off can be resumed."""
    return None if key is None else sha256(f"{key}\n{number}".encode()).hexdigest()


def _checked(number: int, entry: object) -> ItemBody | Refusal:
    try:
        return checked(ItemBody, entry, strict=True, at=f"items[{number}]")
    except Refusal as refusal:
        return refusal


async def _read_into(waiting: asyncio.Queue[Line | None], first: Line | None, rest: AsyncIterator[Line]) -> None:
    """Raises what the lines raise, after the last of them."""
    try:
        if first is not None:
            await waiting.put(first)
            async for line in rest:
                await waiting.put(line)
    except Exception:
        await waiting.put(None)
        raise
    await waiting.put(None)


async def _gathered(waiting: asyncio.Queue[Line | None]) -> list[Line]:
    """The next line, and those that are there with it; none at the end."""
    gathered: list[Line] = []
    line = await waiting.get()
    while line is not None:
        gathered.append(line)
        size = sum(len(each.content or b"") for each in gathered)
        if len(gathered) == TOGETHER or size > MAX_GATHERED_BYTES or waiting.empty():
            break
        line = waiting.get_nowait()
    if line is None and gathered:
        waiting.put_nowait(None)  # for the next time
    return gathered


def _text(answer: LineAnswer) -> str:
    return f"{answer.model_dump_json()}\n"
