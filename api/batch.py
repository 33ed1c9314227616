"""POST /search/batch: many searches at once, their pictures encoded together. Blocking: to be run in the pool."""

from time import perf_counter

from api import search
from api.asking import finding
from api.asking.question import Question, prepare
from api.asking.request import BatchBody, SearchBody
from api.engine import Snapshot
from api.errors import Problem, Refusal, problem_of
from api.schemas import SearchAnswer
from retrieval.clusters import Vectors
from retrieval.errors import LookalikeError

TOGETHER = 16
"""Pictures in one run of the encoder: more gain nothing on a processor, and take memory."""


def search_all(
    snapshot: Snapshot, batch: BatchBody, *, request_id: str, started: float
) -> list[SearchAnswer | Problem]:
    """An answer, or why there is none, for each query in its order; none of them stops the others."""
    prepared = [_prepare(snapshot, body, request_id) for body in batch.queries]
    pictures = [picture for question, _ in prepared if isinstance(question, Question) for picture in question.pictures]
    begun = perf_counter()
    vectors: list[Vectors] = []
    for start in range(0, len(pictures), TOGETHER):
        vectors.extend(snapshot.bundle.embedder.embed(pictures[start : start + TOGETHER]))
    each = (perf_counter() - begun) / max(1, len(pictures))
    waiting = iter(vectors)
    answers: list[SearchAnswer | Problem] = []
    for body, (question, seconds) in zip(batch.queries, prepared, strict=True):
        if isinstance(question, Problem):
            answers.append(question)
            continue
        own = [next(waiting) for _ in question.pictures]
        spent = {"decode": seconds if own else 0, "encode": each * len(own)}
        answers.append(_answer(snapshot, body, question, own, spent, request_id, started))
    return answers


def _prepare(snapshot: Snapshot, body: SearchBody, request_id: str) -> tuple[Question | Problem, float]:
    """What is asked, or why it cannot be, and the seconds that took."""
    begun = perf_counter()
    try:
        finding.reach(snapshot, body)
        return prepare(snapshot, body), perf_counter() - begun
    except (Refusal, LookalikeError) as error:
        return problem_of(error, request_id), 0


def _answer(
    snapshot: Snapshot,
    body: SearchBody,
    question: Question,
    vectors: list[Vectors],
    spent: dict[str, float],
    request_id: str,
    started: float,
) -> SearchAnswer | Problem:
    try:
        query = question.vector(vectors)
        return search.answer(snapshot, body, question, query, spent, since=perf_counter(), started=started)
    except (Refusal, LookalikeError) as error:
        return problem_of(error, request_id)
