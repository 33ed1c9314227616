"""Requests that are sent again: with its Idempotency-Key, one is answered as the first time and changes nothing."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from api.errors import Refusal
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from api.web.write_headers import digest_of
from retrieval.catalogue import Catalogue, Changes, Reply

OTHER_REQUEST = "Idempotency-Key: it came with another request before; choose a new one for each request."


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and the body of an answer: JSON, or nothing."""

    status: int
    body: str
    etag: str | None = None
    """Of the item in it, unless it is the answer of an earlier request."""

    @property
    def item_id(self) -> str:
        """The id of the item that it tells of; an earlier version may have told less of it than this one does."""
        item_id: str = json.loads(self.body)["id"]
        return item_id


@dataclass(frozen=True, slots=True)
class Ticket:
    """An idempotency key, and the SHA-256 of the request that came with it."""

    key: str
    request: str

    @classmethod
    def of(cls, key: str | None, *content: object) -> "Ticket | None":
        """The ticket of a request with this content, which JSON can hold; None without a key."""
        return None if key is None else cls(key, digest_of(*content))

    def reply(self, answer: Answer) -> Reply:
        """What is to be remembered."""
        return Reply(self.key, self.request, answer.status, answer.body)


class AlreadyAnswered(Exception):
    """The same key has been answered meanwhile, so nothing of this is to happen."""


def remembered(catalogue: Catalogue, ticket: Ticket | None) -> Answer | None:
    """What this ticket was answered before. Raises Refusal if that was another request."""
    reply = None if ticket is None else catalogue.reply(ticket.key)
    if reply is None or ticket is None:
        return None
    if reply.request != ticket.request:
        raise Refusal("idempotency_conflict", OTHER_REQUEST)
    return Answer(reply.status, reply.body)


def remember(rows: Changes, ticket: Ticket | None, answer: Answer) -> None:
    """Keep an answer together with the change that it tells of. Raises AlreadyAnswered, which is to undo the change."""
    if ticket is not None and not rows.remember(ticket.reply(answer)):
        raise AlreadyAnswered


def once(engine: Engine, ticket: Ticket | None, change: Callable[[], Answer]) -> Answer:
    """Do a change and answer it, or answer as the first time. `change` remembers its answer. Raises what it raises."""
    catalogue = live_of(engine).catalogue
    if answer := remembered(catalogue, ticket):
        return answer
    try:
        return change()
    except AlreadyAnswered:
        answer = remembered(catalogue, ticket)
        if answer is None:  # it was forgotten in this very moment
            raise Refusal("overloaded") from None
        return answer


def live_of(engine: Engine) -> Snapshot:
    """What is served. Raises Refusal (not_ready)."""
    if not engine.loaded:
        raise Refusal("not_ready")
    return engine.loaded[0]
