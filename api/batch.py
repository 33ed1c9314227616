"""POST /search/batch: many searches at once, their pictures encoded together. Blocking: to be run in the pool."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from api.errors import Problem, Refusal, problem_of
from api.fetch.client import NOTHING, Fetched
from api.schemas.search_answer import SearchAnswer
from api.schemas.search_request import BatchBody, SearchBody
from api.search import retrieve, service
from api.search.query import Question, encode, prepare
from api.serving.snapshot import Served, Snapshot
from retrieval.clusters import Vectors
from retrieval.errors import LookalikeError


@dataclass(frozen=True, slots=True)
class _Asked:
    """One query of the batch, its pictures read."""

    snapshot: Snapshot
    body: SearchBody
    question: Question
    seconds: float
    """That it took to read them."""


def search_all(
    served: Served, batch: BatchBody, fetched: Fetched = NOTHING, *, request_id: str, started: float
) -> list[SearchAnswer | Problem]:
    """An answer, or why there is none, for each query in its order; none of them stops the others."""
    prepared = [_prepare(served, body, fetched, request_id) for body in batch.queries]
    asked = [each for each in prepared if isinstance(each, _Asked)]
    begun = perf_counter()
    vectors = {snapshot: iter(_encoded(snapshot, asked)) for snapshot in served.snapshots}
    each_takes = (perf_counter() - begun) / max(1, sum(len(each.question.pictures) for each in asked))
    answers: list[SearchAnswer | Problem] = []
    for each in prepared:
        if isinstance(each, Problem):
            answers.append(each)
            continue
        own = [next(vectors[each.snapshot]) for _ in each.question.pictures]
        spent = {"decode": each.seconds if own else 0, "encode": each_takes * len(own)}
        answers.append(_answer(each, own, spent, request_id, started))
    return answers


def _prepare(served: Served, body: SearchBody, fetched: Fetched, request_id: str) -> _Asked | Problem:
    """What is asked, or why it cannot be."""
    begun = perf_counter()
    try:
        snapshot = served.of(body.bundle)
        retrieve.reach(snapshot, body)
        return _Asked(snapshot, body, prepare(snapshot, body, fetched), perf_counter() - begun)
    except (Refusal, LookalikeError) as error:
        return problem_of(error, request_id)


def _encoded(snapshot: Snapshot, asked: Sequence[_Asked]) -> list[Vectors]:
    """The vectors of all pictures that this snapshot is asked with, in order."""
    pictures = [picture for each in asked if each.snapshot is snapshot for picture in each.question.pictures]
    return encode(snapshot, pictures)


def _answer(
    asked: _Asked, vectors: list[Vectors], spent: dict[str, float], request_id: str, started: float
) -> SearchAnswer | Problem:
    try:
        query = asked.question.vector(vectors)
        since = perf_counter()
        return service.answer(asked.snapshot, asked.body, asked.question, query, spent, since=since, started=started)
    except (Refusal, LookalikeError) as error:
        return problem_of(error, request_id)
